/*
 * The helper program: carried inside the library, run from memory, or from the file that was installed beside it.
 */
#ifndef PK_CONTAIN_HELPER_IMAGE_H
#define PK_CONTAIN_HELPER_IMAGE_H

#include <processkit/error.h>

struct helper_image {
    int fd;           /* the program in memory, or -1 */
    int memory_error; /* why it cannot be had there: an errno, or 0 */
    int exec_error;   /* why neither could be run: set by helper_exec */
};

/* Opens it. Never fails: what is missing shows when it is run. -EMFILE and the like are returned. */
int helper_image_open(struct helper_image *image);
void helper_image_close(struct helper_image *image);

/* Where the file is looked for. */
const char *helper_path(void);

/* In a child: becomes the helper, or returns with the errno. argv[0] is its name. */
int helper_exec(struct helper_image *image, char *const argv[]);

/*
 * Says why no helper could be started for this role ("guardian", "reaper"): this call failed, or, with NULL, the
 * program could not be run. -EOPNOTSUPP, with what would help, for what says that none can be had here, rather than
 * that something ran out just now; the errno itself for that.
 */
int helper_explain(const struct helper_image *image, const char *call, int number, const char *role, pk_error *error);

/* helper-probe.c: whether the helper can be run here at all: 0, or an error as above. Tried once in the life of a
 * process. */
int helper_probe(const char *role, pk_error *error);

/* Likewise: -EOPNOTSUPP where it would be born into another pid namespace. */
int helper_check_place(const char *role, pk_error *error);

#endif
