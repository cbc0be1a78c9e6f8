/*
 * Making parcels.
 */
#ifndef PK_PROCESS_PACK_H
#define PK_PROCESS_PACK_H

#include "contain/heritage.h"
#include "process/parcel.h"

/*
 * Lays the birth, with its plan and command, out in a new memory file. The child is to begin with what is in `now`
 * where that differs from `then`, which is what the spawner has. *fd is the file and *size its size. The parcel is
 * taken away by parcel_free. NULL, and the errno in *number.
 */
struct parcel *parcel_pack(const struct birth *birth, const struct heritage *then, const struct heritage *now, int *fd,
                           size_t *size, int *number);
void parcel_free(struct parcel *parcel, size_t size);

#endif
