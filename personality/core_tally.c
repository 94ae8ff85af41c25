/* Counts and times of calls, straight from the bytes of trace records: what `guise trace -c` and
 * `--profile` need, at a speed that no program has to wait for.  Compiled into personality._core.
 *
 * Each call is entered four times: for its call and for all calls, of its process and of all
 * processes.  Durations are kept one by one up to TALLY_KEPT of an entry, and every second, fourth...
 * of them beyond that; least, most and total are exact. */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace_records.h"

#define TALLY_KEPT (1UL << 20)
#define TALLY_ALL 0xffffffffU
#define LARGEST_ERROR 8192
#define RESTARTED(result) ((result) == -512 || (result) == -513)

struct tally_entry {
    int process;
    unsigned kernel, number;
    unsigned long calls, errors, total, least, most, moved;
    unsigned long *durations;
    unsigned long kept, room, stride;
    int sorted;
};

struct tally {
    struct tally_entry *entries;
    unsigned long count, room;
    unsigned *index; /* open addressing: entry + 1 */
    unsigned long index_size;
    int *processes; /* by slot */
    unsigned slots;
};

static void *core_tally_new(void) { return calloc(1, sizeof(struct tally)); }

static void core_tally_free(void *tally)
{
    struct tally *t = tally;
    for (unsigned long i = 0; i < t->count; i++)
        free(t->entries[i].durations);
    free(t->entries);
    free(t->index);
    free(t->processes);
    free(t);
}

static unsigned long hash_of(int process, unsigned kernel, unsigned number)
{
    unsigned long h = (unsigned)process * 0x9e3779b97f4a7c15UL ^ (kernel * 0x100000001b3UL + number) * 0xff51afd7ed558ccdUL;
    return h ^ h >> 29;
}

static int grow_index(struct tally *t)
{
    unsigned long size = t->index_size != 0 ? 2 * t->index_size : 256;
    unsigned *index = calloc(size, sizeof(*index));
    if (index == NULL)
        return -1;
    for (unsigned long i = 0; i < t->count; i++) {
        const struct tally_entry *e = &t->entries[i];
        unsigned long at = hash_of(e->process, e->kernel, e->number) & (size - 1);
        while (index[at] != 0)
            at = (at + 1) & (size - 1);
        index[at] = (unsigned)i + 1;
    }
    free(t->index);
    t->index = index;
    t->index_size = size;
    return 0;
}

static struct tally_entry *entry_of(struct tally *t, int process, unsigned kernel, unsigned number)
{
    if (2 * t->count >= t->index_size && grow_index(t) != 0)
        return NULL;
    unsigned long at = hash_of(process, kernel, number) & (t->index_size - 1);
    for (; t->index[at] != 0; at = (at + 1) & (t->index_size - 1)) {
        struct tally_entry *e = &t->entries[t->index[at] - 1];
        if (e->process == process && e->kernel == kernel && e->number == number)
            return e;
    }
    if (t->count == t->room) {
        unsigned long room = t->room != 0 ? 2 * t->room : 64;
        struct tally_entry *larger = realloc(t->entries, room * sizeof(*larger));
        if (larger == NULL)
            return NULL;
        t->entries = larger;
        t->room = room;
    }
    struct tally_entry *e = &t->entries[t->count++];
    memset(e, 0, sizeof(*e));
    e->process = process;
    e->kernel = kernel;
    e->number = number;
    e->least = ~0UL;
    e->stride = 1;
    t->index[at] = (unsigned)t->count;
    return e;
}

/* Room for one more duration: a larger array, or every second one of what there is. */
static int make_room(struct tally_entry *e)
{
    if (e->room < TALLY_KEPT) {
        unsigned long room = e->room != 0 ? 4 * e->room : 16;
        unsigned long *larger = realloc(e->durations, room * sizeof(*larger));
        if (larger == NULL)
            return -1;
        e->durations = larger;
        e->room = room;
        return 0;
    }
    for (unsigned long i = 0; i < e->kept / 2; i++)
        e->durations[i] = e->durations[2 * i];
    e->kept /= 2;
    e->stride *= 2;
    return 0;
}

static int enter(struct tally_entry *e, const struct trace_record *r)
{
    int failed = r->result < 0 && r->result >= -LARGEST_ERROR && !RESTARTED(r->result);
    if (e == NULL || (e->kept == e->room && make_room(e) != 0))
        return -1;
    if (e->calls++ % e->stride == 0)
        e->durations[e->kept++] = r->duration;
    e->sorted = 0;
    e->errors += (unsigned long)failed;
    e->total += r->duration;
    if (r->result > 0)
        e->moved += (unsigned long)r->result;
    if (r->duration < e->least)
        e->least = r->duration;
    if (r->duration > e->most)
        e->most = r->duration;
    return 0;
}

static int remember_process(struct tally *t, unsigned slot, int process)
{
    if (slot >= t->slots) {
        unsigned slots = slot + 64;
        int *larger = realloc(t->processes, slots * sizeof(*larger));
        if (larger == NULL)
            return -1;
        memset(larger + t->slots, 0, (slots - t->slots) * sizeof(*larger));
        t->processes = larger;
        t->slots = slots;
    }
    t->processes[slot] = process;
    return 0;
}

static int enter_call(struct tally *t, unsigned slot, const struct trace_record *r)
{
    int process = slot < t->slots ? t->processes[slot] : 0;
    return enter(entry_of(t, 0, r->kernel, r->number), r) || enter(entry_of(t, 0, TALLY_ALL, TALLY_ALL), r) ||
           enter(entry_of(t, process, r->kernel, r->number), r) ||
           enter(entry_of(t, process, TALLY_ALL, TALLY_ALL), r);
}

/* Enters the calls among `size` bytes of records of one slot.  Records of another kind are left to the
 * caller: their offsets go to `others`, at most `room`.  Returns how many bytes it has done, which is less
 * than `size` only when `others` was full; -1: the bytes are no records; -2: out of memory. */
static long core_tally_scan(void *tally, const char *data, size_t size, unsigned slot, unsigned *others,
                            unsigned room, unsigned *count)
{
    struct tally *t = tally;
    size_t at = 0;
    *count = 0;
    while (at < size && *count < room) {
        const struct trace_record *r = (const struct trace_record *)(data + at);
        if (size - at < 8 || r->size < 8 || r->size % 8 != 0 || r->size > size - at ||
            (r->kind != RECORD_PAD && r->size < sizeof(*r)))
            return -1;
        if (r->kind == RECORD_CALL) {
            if (enter_call(t, slot, r) != 0)
                return -2;
        } else if (r->kind != RECORD_PAD) {
            if (r->kind == RECORD_THREAD && r->arguments > 0 && remember_process(t, slot, (int)r->values[0]) != 0)
                return -2;
            others[(*count)++] = (unsigned)at;
        }
        at += r->size;
    }
    return (long)at;
}

/* One call that somebody else has read.  -2: out of memory. */
static long core_tally_enter(void *tally, int process, unsigned kernel, unsigned number, unsigned long duration,
                             long result)
{
    struct tally *t = tally;
    struct trace_record r = {.kernel = (uint16_t)kernel, .number = number, .duration = duration, .result = result};
    return remember_process(t, 0, process) != 0 || enter_call(t, 0, &r) != 0 ? -2 : 0;
}

static unsigned long core_tally_count(void *tally) { return ((struct tally *)tally)->count; }

static int ascending(const void *a, const void *b)
{
    unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
    return (x > y) - (x < y);
}

/* out: process, kernel, number, calls, errors, total, least, median, 99th percentile, most, sum of results. */
static void core_tally_entry(void *tally, unsigned long i, long long *out)
{
    struct tally_entry *e = &((struct tally *)tally)->entries[i];
    if (!e->sorted) {
        qsort(e->durations, e->kept, sizeof(*e->durations), ascending);
        e->sorted = 1; /* what comes later is in disorder again, and a thinned sample of it stays fair enough */
    }
    unsigned long last = e->kept - 1, high = e->kept * 99 / 100;
    out[0] = e->process;
    out[1] = e->kernel;
    out[2] = e->number;
    out[3] = (long long)e->calls;
    out[4] = (long long)e->errors;
    out[5] = (long long)e->total;
    out[6] = (long long)e->least;
    out[7] = (long long)e->durations[e->kept / 2 < last ? e->kept / 2 : last];
    out[8] = (long long)e->durations[high < last ? high : last];
    out[9] = (long long)e->most;
    out[10] = (long long)e->moved;
}
