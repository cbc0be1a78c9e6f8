/*
 * Cassettes: what commands did once, in a file, to be played without them.
 *
 * A recorder is a runner (see runner.h) that has commands run for real and takes down what each of them did. A player
 * is one that does that again, where the programs need not be. So a test of a program that uses other programs is
 * recorded where these are, and runs everywhere:
 *
 *     r = recording ? pk_runner_create_recorder("git.json", NULL, NULL, &runner, &error)
 *                   : pk_runner_create_player("git.json", NULL, &runner, &error);
 *     pk_command_runner(git, runner);
 *     ...
 *     if (recording)
 *         r = pk_cassette_save(runner, &error);
 *
 * What is taken down of a run is a script (see script.h): every byte that it wrote and that the library read, by
 * descriptor and in the order of reading, and how it ended, or why it could not be started. It is played through the
 * pipes and terminals of whatever command asks for it, so captures, lines, callbacks and deadlines are those of that
 * command, and need not be those of the recording. A run that was ended by a deadline, by silence, by a token or by its
 * owner, or was freed before its end, is played up to there and then hangs, until it is ended again. What the soft
 * signal did then, it does again.
 *
 * The file is JSON that reads well in a review. Output and arguments are text where they are UTF-8 without NULs, and
 * base64 otherwise: nothing is lost, and no two commands look alike. Environment values and input are never stored,
 * only digests (SHA-256), which do not hide what is easy to guess. Arguments, directories and output are stored as they
 * are, unless pk_cassette_options.scrub changes them: a cassette is made with 0600, and is worth a look before it is
 * given to others.
 *
 * Cassettes need libjansson (2.7 or later), which is loaded when the first recorder or player is made: -EOPNOTSUPP
 * where it is not there.
 */
#ifndef PROCESSKIT_CASSETTE_H
#define PROCESSKIT_CASSETTE_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/runner.h>

#include <stdbool.h>
#include <stddef.h>

PK_BEGIN_DECLS

/* What is given to the callback that takes secrets out. */
typedef enum pk_cassette_field {
    PK_CASSETTE_ARGUMENT = 1, /* one, the program included */
    PK_CASSETTE_DIRECTORY,    /* of the command, if it says one and directories matter */
    PK_CASSETTE_STDOUT,       /* a line, with the line feed at its end */
    PK_CASSETTE_STDERR,       /* likewise */
    PK_CASSETTE_OUTPUT,       /* likewise, of another descriptor */
} pk_cassette_field;

/*
 * Changes what is stored, in place: `text` has room for `capacity` bytes, at least twice as many as the `length` of
 * them that are used and 256 more; returns the new length. They need not be text. Also called for arguments and
 * directories of commands that are to be played, so that these are looked for as they are stored. For one command at a
 * time, whose fields come in order. It must not use the runner.
 */
typedef size_t (*pk_scrub_callback)(pk_cassette_field field, char *text, size_t length, size_t capacity, void *data);

#define PK_CASSETTE_MOST ((size_t)64 << 20) /* bytes of a file, unless something else is said */

typedef struct pk_cassette_options {
    size_t size;            /* PK_CASSETTE_OPTIONS_INIT sets it */
    bool match_directory;   /* commands in different directories are different */
    bool match_environment; /* commands that change the environment differently are different */
    bool timing;            /* recording: pauses between output are stored, in milliseconds; playing: they are kept */
    size_t most;            /* bytes of the file at most; 0: PK_CASSETTE_MOST */
    pk_scrub_callback scrub;
    void *scrub_data;
} pk_cassette_options;

#define PK_CASSETTE_OPTIONS_INIT                                                  \
    {                                                                             \
        sizeof(pk_cassette_options), false, false, false, 0, (void *)0, (void *)0 \
    }

/*
 * A runner that has another one run its commands, or the library for real (`inner` NULL), and takes down what they do.
 * The caller of each gets what it would have got. `options` may be NULL. The file is written by pk_cassette_save only.
 *
 * All that matters to a run must come from the command, and all that it writes must be read by the library. So a start
 * is refused (-EOPNOTSUPP) if the command's input is a callback, a pipe that the caller fills, a file, or a descriptor
 * that is not /dev/null; and so it is if one of its outputs is inherited, a file, another descriptor, or a pipe that
 * the caller reads. (pk_command_status inherits where nothing is said.) A terminal is recorded as what comes from it;
 * what the caller types is not.
 *
 * What is not taken down: usage, evidence, and whatever commands do to the rest of the world. A start that failed for
 * want of something in this process (memory, descriptors, a mechanism) is no act of the command, and is not stored. Of
 * members that outlived the leader as many as there were are played, 64 at most.
 */
PK_API PK_NODISCARD int pk_runner_create_recorder(const char *path, const pk_cassette_options *options,
                                                  pk_runner *inner, pk_runner **runner, pk_error *error);

/*
 * Writes what a recorder has taken down so far, of runs that are over, in the order of their starts: into a new file
 * beside it, with 0600, which then takes its place. So there is the old one or the new one, whatever happens. What was
 * there must be a regular file: -ELOOP for a symbolic link. -EFBIG: it is more than `most`. -EINVAL: the runner is no
 * recorder. -ECHILD: the end of a run was taken by another part of the program, so that nobody can play it. Can be
 * called again. Any thread.
 */
PK_API PK_NODISCARD int pk_cassette_save(pk_runner *runner, pk_error *error);

/*
 * A runner that plays what is in the file, which is read here and now. `options` may be NULL.
 *
 * A command is known by its program and arguments and by its input; by its directory and by what it changes in the
 * environment too, if that is how the cassette was recorded: the options must say the same (-EINVAL). If the same was
 * run several times, these are played one after the other, and the last one again and again. For a command that is not
 * on the cassette the start fails with -ENOMSG and the kind PK_ERROR_UNEXPECTED; one that could not have been recorded
 * for its input is refused likewise (-EOPNOTSUPP).
 *
 * -EBADMSG, kind PK_ERROR_PARSE: the file is no cassette, or was damaged; the message says where. -EOPNOTSUPP: its
 * version is not known here. -EFBIG: it is larger than `most`. A file is data: whatever is in it, nothing is run.
 */
PK_API PK_NODISCARD int pk_runner_create_player(const char *path, const pk_cassette_options *options,
                                                pk_runner **runner, pk_error *error);

PK_END_DECLS

#endif
