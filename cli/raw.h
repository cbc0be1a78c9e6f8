/*
 * The terminal that pk itself is at, while another one is shown in it.
 */
#ifndef PK_CLI_RAW_H
#define PK_CLI_RAW_H

#include <stdbool.h>
#include <termios.h>

/* The settings of the first of stdin, stdout and stderr that is a terminal. False if none is. */
bool raw_settings(struct termios *settings);

/* Its size; false if it has none. */
bool raw_size(unsigned *columns, unsigned *rows);

/*
 * Every key becomes a byte on stdin, and every byte that is written is shown as it is. Nothing if stdin is no terminal.
 * In the background it stops pk, as for every program that takes the terminal, until it comes to the foreground.
 */
void raw_begin(void);

/* As it was found. Nothing if it is not raw. */
void raw_end(void);

/* It is for somebody else at the moment: to read what is typed would stop pk, or be refused. */
bool raw_is_elsewhere(void);

#endif
