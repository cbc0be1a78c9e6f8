/*
 * pk prune: ends and removes what dead owners left behind.
 */
#ifndef PK_CLI_PRUNE_H
#define PK_CLI_PRUNE_H

int prune_main(int argc, char **argv);

#endif
