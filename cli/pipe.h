/*
 * pk pipe: commands joined by pipes, contained together.
 */
#ifndef PK_CLI_PIPE_H
#define PK_CLI_PIPE_H

int pipe_main(int argc, char **argv);

#endif
