/*
 * Opening parcels.
 */
#ifndef PK_GUARDIAN_PARCEL_H
#define PK_GUARDIAN_PARCEL_H

#include "process/parcel.h"

/*
 * Makes pointers of the offsets, and says whether this was a parcel: whatever it points to is in it. Once only.
 * `sources` are the descriptors that came along.
 */
bool parcel_open(struct parcel *parcel, size_t size, const int *sources, size_t source_count);

#endif
