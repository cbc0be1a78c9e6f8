/*
 * Variables as text: NAME=VALUE, alone or one a line in a file.
 *
 * Both return 0, or -1 after a message, which never has a value in it, or what `set` has returned.
 */
#ifndef PK_CLI_ENV_FILE_H
#define PK_CLI_ENV_FILE_H

typedef int (*variable_set)(const char *name, const char *value, void *data);

/* `where` is what a message begins with. */
int read_variable(const char *where, const char *text, variable_set set, void *data);

/* Values are taken as they are; empty lines and those that begin with # do not count. */
int read_env_file(const char *path, variable_set set, void *data);

#endif
