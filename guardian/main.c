/*
 * The helper of the library: one small program with three roles.
 *
 * It is started by the library only, from an image the library carries, with all signals blocked: nothing but SIGKILL
 * and SIGSTOP reaches it, so neither a terminal nor a careless kill can take it away.
 */
#include "calls.h"
#include "roles.h"

int helper_main(int argc, char **argv)
{
    if (argc == 3 && same_text(argv[1], "guard"))
        return guard(argv[2]);
    if (argc == 3 && same_text(argv[1], "reap"))
        return reap(argv[2]);
    if (argc == 2 && same_text(argv[1], "spawn"))
        return spawn();
    return 125;
}
