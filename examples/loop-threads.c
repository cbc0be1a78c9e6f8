/*
 * Two threads with a loop each. Nothing is shared but the program's own group directory and its guardian, which the
 * library keeps in order.
 */
#include "job.h"

#include <pthread.h>
#include <stdio.h>

static void on_end(void *data)
{
    *(bool *)data = true;
}

static void *work(void *failed)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    bool ended = false;
    int r = pk_loop_create(&loop, &error);
    if (r == 0)
        r = job_start(loop, on_end, &ended, &error);
    while (r >= 0 && !ended)
        r = pk_loop_dispatch(loop, PK_FOREVER, &error);
    if (r < 0)
        *(int *)failed = job_fail(&error);
    return NULL;
}

int main(void)
{
    enum { THREADS = 2 };
    pthread_t threads[THREADS];
    int failed[THREADS] = {0};

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &failed[i]) != 0)
            return fputs("no thread could be made\n", stderr), 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return failed[0] || failed[1];
}
