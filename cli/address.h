/*
 * Addresses as people write them.
 */
#ifndef PK_CLI_ADDRESS_H
#define PK_CLI_ADDRESS_H

/*
 * "PORT", "HOST:PORT" or "[HOST]:PORT", where the host is a number, or localhost, which it is if there is none: the
 * host, from the text, which is cut in two. NULL: it is none of these.
 */
const char *address_split(char *text, unsigned *port);

#endif
