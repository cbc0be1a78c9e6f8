/*
 * A batch: many commands, two at a time, and what became of each.
 */
#include <processkit.h>

#include <stdio.h>

static const char *const hosts[] = {"alpha", "beta", "gamma", "delta"};

static void tell(pk_batch *batch, const pk_batch_item *item, void *data)
{
    (void)batch, (void)data;
    if (item->error)
        printf("%s: %s\n", (const char *)item->data, item->error->message);
    else
        printf("%s: %s", (const char *)item->data, pk_output_text(item->output, 1));
}

int main(void)
{
    pk_error error;
    pk_batch_summary summary;
    pk_auto(pk_batch) batch = pk_batch_new();
    pk_batch_jobs(batch, 2);
    pk_batch_deliver(batch, PK_BATCH_IN_ORDER);
    pk_batch_on_end(batch, tell, NULL);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        pk_auto(pk_command) ask = pk_command_new("sh", "-c", "[ $0 != gamma ] && echo up", hosts[i], NULL);
        pk_command_timeout(ask, PK_SECONDS(10));
        pk_batch_add(batch, ask, (void *)hosts[i]);
    }
    if (pk_batch_run(batch, &summary, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%zu up, %zu not, %zu at once\n", summary.succeeded, summary.failed, summary.most);
    return 0;
}
