/*
 * Files of a test.
 */
#ifndef PK_TESTS_FILES_H
#define PK_TESTS_FILES_H

#include <stdbool.h>
#include <sys/types.h>

bool files_copy(const char *from, const char *to, mode_t mode);

/* Makes or replaces a file. */
bool files_write(const char *path, const char *text, mode_t mode);

/* Removes a directory and everything in it. */
void files_remove(const char *path);

#endif
