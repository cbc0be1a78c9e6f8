/*
 * pk doctor: what this host gives.
 */
#ifndef PK_CLI_DOCTOR_H
#define PK_CLI_DOCTOR_H

int doctor_main(int argc, char **argv);

#endif
