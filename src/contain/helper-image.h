/*
 * The helper program: carried inside the library, run from memory, or from the file that was installed beside it.
 */
#ifndef PK_CONTAIN_HELPER_IMAGE_H
#define PK_CONTAIN_HELPER_IMAGE_H

struct helper_image {
    int fd;           /* the program in memory, or -1 */
    int memory_error; /* why it cannot be had there: an errno, or 0 */
    int exec_error;   /* why neither could be run: set by helper_exec */
};

/* Opens it. Never fails: what is missing shows when it is run. -EMFILE and the like are returned. */
int helper_image_open(struct helper_image *image);
void helper_image_close(struct helper_image *image);

/* In a child: becomes the helper, or returns with the errno. argv[0] is its name. */
int helper_exec(struct helper_image *image, char *const argv[]);

/* Where the file is looked for. */
const char *helper_path(void);

#endif
