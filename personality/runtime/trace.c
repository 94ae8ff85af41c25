/* Rings: who writes where, and the records that are about threads and processes.
 *
 * A record is begun in place when a call enters and completed when it leaves, so that a reader finds
 * the call that was in progress when a process was killed.  A full ring makes its thread wait, unless
 * the reader prefers loss or the newest; a reader that died is noticed by the lock it held, and tracing ends. */
#include "core.h"
#include "trace.h"
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/time.h>

#define READER_BYTE 0 /* of the area: the reader holds a lock on it */
#define WAIT_NS 100000000L

struct trace_area *trace_area;
static int area_fd = -1;

int trace_descriptor(void) { return trace_area != NULL ? area_fd : -1; }

static struct trace_slot *slot_number(u32 i)
{
    u64 large = PAGE + trace_area->large_ring, small = PAGE + trace_area->small_ring;
    u32 before = i < trace_area->large_slots ? i : trace_area->large_slots;
    return (struct trace_slot *)((u8 *)trace_area + trace_area->slots_at + before * large + (i - before) * small);
}

int trace_slot_index(const struct thread *t)
{
    if (trace_area == NULL || t->trace_ring == 0)
        return -1;
    u64 at = t->trace_ring - (u64)trace_area - trace_area->slots_at;
    u64 large = PAGE + trace_area->large_ring, edge = trace_area->large_slots * large;
    if (at < edge)
        return (int)(at / large);
    return (int)(trace_area->large_slots + (at - edge) / (PAGE + trace_area->small_ring));
}

static bool reader_is_gone(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = 0, .l_start = READER_BYTE, .l_len = 1};
    return host(__NR_fcntl, area_fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK;
}

/* A call that was left in a way of its own. */
void trace_commit_open(struct trace_slot *s)
{
    struct trace_record *r = trace_record_at(s, s->head);
    if (!trace_is_open(s))
        return;
    if (r->flags & UNDECIDED) {
        s->open = 0;
        return;
    }
    r->state = STATE_NO_RETURN;
    trace_commit(s, r, (u8 *)r + r->size);
}

static void wake_reader(void)
{
    if (__atomic_load_n(&trace_area->reader_rests, __ATOMIC_RELAXED) == 0)
        return;
    __atomic_store_n(&trace_area->reader_rests, 0, __ATOMIC_SEQ_CST);
    host(__NR_futex, &trace_area->reader_rests, FUTEX_WAKE, 1);
}

/* The reader rests while there is little to do: half a ring is enough for it, and the other half lasts until
 * it has come. */
static bool look_at_tail(struct trace_slot *s, u64 bytes)
{
    u64 tail = __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE), end = s->head + bytes;
    s->look_at = tail + s->ring_size / 2;
    if (end > s->look_at) {
        s->look_at = tail + s->ring_size;
        wake_reader();
    }
    return end <= s->look_at;
}

static bool has_room(struct trace_slot *s, u64 bytes)
{
    return s->head + bytes <= s->look_at || look_at_tail(s, bytes);
}

/* Only the writer moves the tail while it overwrites; a reader looks at it again after copying. */
static void give_up_oldest(struct trace_slot *s, u64 bytes)
{
    u64 tail = s->tail;
    while (s->head + bytes - tail > s->ring_size)
        tail += trace_record_at(s, tail)->size;
    __atomic_store_n(&s->tail, tail, __ATOMIC_SEQ_CST);
}

/* False: the record is not wanted after all. */
static bool wait_for_room(struct trace_slot *s, u64 bytes)
{
    struct timespec_host timeout = {0, WAIT_NS};
    if (trace_area->full == FULL_OVERWRITE && !trace_area->off) {
        give_up_oldest(s, bytes);
        return true;
    }
    while (!has_room(s, bytes)) {
        if (trace_area->off)
            return false;
        if (trace_area->full == FULL_DROP) {
            __atomic_add_fetch(&s->dropped, 1, __ATOMIC_RELAXED);
            return false;
        }
        __atomic_store_n(&s->waiting, 1, __ATOMIC_SEQ_CST);
        if (has_room(s, bytes))
            break;
        if (host(__NR_futex, &s->waiting, FUTEX_WAIT, 1, &timeout) == -ETIMEDOUT && reader_is_gone())
            trace_area->off = 1;
    }
    __atomic_store_n(&s->waiting, 0, __ATOMIC_RELAXED);
    return true;
}

static void clear_record(struct trace_record *r, struct trace_slot *s, u32 kind, u32 number)
{
    *r = (struct trace_record){
        .size = sizeof(*r), .kind = (u8)kind, .state = STATE_DONE, .number = number, .kernel = (u16)s->kernel,
        .start = trace_time(s),
    };
}

/* In one piece: what is left at the end of the ring is filled. */
static struct trace_record *next_record(struct trace_slot *s, u32 kind, u32 number)
{
    u64 left = s->ring_size - (s->head & (s->ring_size - 1));
    if (left < TRACE_RECORD) {
        struct trace_record *gap = trace_record_at(s, s->head);
        gap->kind = RECORD_PAD;
        trace_commit(s, gap, (u8 *)gap + left);
    }
    struct trace_record *r = trace_record_at(s, s->head);
    clear_record(r, s, kind, number);
    return r;
}

/* Room for the largest record, and for one that says how many there was none for. */
struct trace_record *trace_reserve(struct trace_slot *s, u32 kind, u32 number)
{
    if (trace_is_open(s))
        trace_commit_open(s);
    bool lost = s->dropped != s->reported;
    u64 left = s->ring_size - (s->head & (s->ring_size - 1)), bytes = TRACE_RECORD + (lost ? sizeof(struct trace_record) : 0);
    if (left < bytes)
        bytes += left < 2 * TRACE_RECORD ? left : 0;
    if (!has_room(s, bytes) && !wait_for_room(s, bytes))
        return NULL;
    if (lost) {
        struct trace_record *r = next_record(s, RECORD_LOST, (u32)(s->dropped - s->reported));
        s->reported = s->dropped;
        trace_commit(s, r, (u8 *)r->values);
    }
    return next_record(s, kind, number);
}

static u32 kernel_index(const struct thread *t)
{
    u32 i = 0;
    while (trace_tables[i].kernel != NULL && strcmp(trace_tables[i].kernel, t->personality->name) != 0)
        i++;
    return i;
}

/* Calls that nobody wants to see go the way that they go untraced. */
void trace_fast_calls(struct thread *t)
{
    const struct personality *p = t->personality;
    u32 kernel = kernel_index(t), limit = (u32)p->call_limit;
    u16 *calls = p->fast_calls != NULL && kernel < TRACE_KERNELS && limit <= TRACE_CALLS
                     ? runtime_alloc(limit * sizeof(*calls)) : NULL;
    if (calls == NULL)
        return;
    for (u32 i = 0; i < limit; i++) {
        const struct trace_call *row = trace_row(kernel, i);
        bool makes_names = (trace_area->options & TRACE_WITH_NAMES) && row != NULL &&
                           (row->flags & TRACED_CHANGES);
        if (trace_area->wanted[kernel][i] == 0 && trace_area->tamper[kernel][i] == 0 && !makes_names)
            calls[i] = p->fast_calls[i];
    }
    fast_allow(p, calls);
}

/* The first record of a thread, and again after its exec: what the others do not repeat.  A copy stays in the
 * slot for a reader that comes when the ring has gone round. */
static void introduce(struct thread *t, struct trace_slot *s)
{
    struct trace_record *kept = (struct trace_record *)s->introduction;
    clear_record(kept, s, RECORD_THREAD, (u32)s->tid);
    kept->arguments = 3;
    kept->values[0] = (u64)s->pid;
    kept->values[1] = (u64)host(__NR_getppid);
    kept->values[2] = trace_now(CLOCK_REALTIME);
    u8 *end = trace_capture_text(kept, (u8 *)(kept->values + 3), 0, t->process->executable);
    end = trace_capture_text(kept, end, 1, t->personality->name);
    kept->size = (u32)(end - (u8 *)kept);
    struct trace_record *r = trace_reserve(s, RECORD_THREAD, (u32)s->tid);
    if (r == NULL)
        return;
    memcpy(r, kept, kept->size);
    trace_commit(s, r, (u8 *)r + r->size);
}

struct host_rusage {
    struct { s64 sec, usec; } user, system;
    s64 resident, shared[3], minor, major, swaps, blocks_in, blocks_out, messages[2], signals, voluntary, involuntary;
};

/* What the process has used so far: at its begin, since a launcher had it before, and at its end. */
static void report_usage(struct trace_slot *s, u32 ends)
{
    struct host_rusage u;
    struct trace_record *r = trace_reserve(s, RECORD_USAGE, ends);
    if (r == NULL || host(__NR_getrusage, 0 /* RUSAGE_SELF */, &u) != 0)
        return;
    r->arguments = USAGE_VALUES;
    r->values[USAGE_USER] = (u64)u.user.sec * 1000000000UL + (u64)u.user.usec * 1000UL;
    r->values[USAGE_SYSTEM] = (u64)u.system.sec * 1000000000UL + (u64)u.system.usec * 1000UL;
    r->values[USAGE_MINOR_FAULTS] = (u64)u.minor;
    r->values[USAGE_MAJOR_FAULTS] = (u64)u.major;
    r->values[USAGE_VOLUNTARY_SWITCHES] = (u64)u.voluntary;
    r->values[USAGE_INVOLUNTARY_SWITCHES] = (u64)u.involuntary;
    r->values[USAGE_RESIDENT] = (u64)u.resident * 1024;
    r->values[USAGE_STORAGE_READ] = (u64)u.blocks_in * 512;
    r->values[USAGE_STORAGE_WRITTEN] = (u64)u.blocks_out * 512;
    trace_commit(s, r, (u8 *)(r->values + USAGE_VALUES));
}

static void occupy(struct thread *t, struct trace_slot *s)
{
    s->pid = (s32)host(__NR_getpid);
    s->tid = (s32)host(__NR_gettid);
    s->kernel = kernel_index(t);
    s->clock_ticks = s->clock_latest = 0; /* whoever had the slot before may have had another clock */
    t->trace_ring = (u64)s;
    introduce(t, s);
    if (s->pid == s->tid)
        report_usage(s, 0);
}

struct trace_slot *trace_slot_claim(struct thread *t)
{
    for (u32 i = 0; i < trace_area->slots; i++) {
        struct trace_slot *s = slot_number(i);
        u32 state = SLOT_FREE, next = __atomic_load_n(&trace_area->next_slot, __ATOMIC_RELAXED);
        if (__atomic_load_n(&s->state, __ATOMIC_RELAXED) != SLOT_FREE ||
            !__atomic_compare_exchange_n(&s->state, &state, SLOT_USED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            continue;
        while (next <= i && !__atomic_compare_exchange_n(&trace_area->next_slot, &next, i + 1, false,
                                                         __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            ;
        s->ring_size = i < trace_area->large_slots ? trace_area->large_ring : trace_area->small_ring;
        occupy(t, s);
        return s;
    }
    __atomic_add_fetch(&trace_area->refused, 1, __ATOMIC_RELAXED);
    return NULL;
}

struct trace_thread *trace_thread_of(struct thread *t)
{
    if (t->trace_state == NULL)
        t->trace_state = runtime_alloc(sizeof(struct trace_thread));
    return t->trace_state;
}

/* A process that cannot have the area says so in its first page, where the reader finds it. */
static struct trace_area *map_area(int fd)
{
    long size = host(__NR_lseek, fd, 0, 2 /* SEEK_END */);
    if (is_error(size) || size < (long)sizeof(struct trace_area))
        return NULL;
    long at = host(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (!is_error(at))
        return (struct trace_area *)at;
    at = host(__NR_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!is_error(at)) {
        __atomic_add_fetch(&((struct trace_area *)at)->unmapped, 1, __ATOMIC_RELAXED);
        host(__NR_munmap, at, PAGE);
    }
    return NULL;
}

void trace_boot(struct thread *t, int fd, int slot)
{
    struct trace_area *area = map_area(fd);
    if (area == NULL || area->magic != TRACE_MAGIC || area->version != TRACE_VERSION)
        return;
    area_fd = fd;
    trace_area = area;
    host_calls_wanted = (area->options & TRACE_WITH_HOST_CALLS) != 0;
    if (slot < 0)
        return;
    struct trace_slot *s = slot_number((u32)slot);
    if (trace_is_open(s))
        trace_executed(t, s);
    occupy(t, s);
}

/* ---- signals and ends ------------------------------------------------------------------------------ */

void trace_signal(struct thread *t, const struct delivery *d)
{
    struct trace_slot *s = trace_area->off ? NULL : trace_slot_of(t);
    struct trace_record *r = s ? trace_reserve(s, RECORD_SIGNAL, (u32)d->guest_signal) : NULL;
    if (r == NULL)
        return;
    r->arguments = 3;
    r->values[0] = (u64)(s64)d->info.code;
    r->values[1] = d->info.raw[0];
    r->values[2] = d->info.raw[1];
    trace_commit(s, r, (u8 *)(r->values + 3));
}

static void end_slot(struct thread *t)
{
    struct trace_slot *s = (struct trace_slot *)t->trace_ring;
    runtime_free(t->trace_state);
    t->trace_state = NULL;
    if (trace_area == NULL || s == NULL)
        return;
    trace_commit_open(s);
    t->trace_ring = 0;
    __atomic_store_n(&s->state, SLOT_ENDED, __ATOMIC_RELEASE);
}
ON_THREAD_EXIT(end_slot);

static void end_process(struct thread *t, u32 number, s64 result)
{
    struct trace_slot *s = trace_area != NULL && !trace_area->off ? (struct trace_slot *)t->trace_ring : NULL;
    if (s == NULL)
        return;
    report_usage(s, 1);
    struct trace_record *r = trace_reserve(s, RECORD_END, number);
    if (r == NULL)
        return;
    r->result = result;
    trace_commit(s, r, (u8 *)r->values);
    end_slot(t);
}

static void end_by_exit(struct thread *t, int status) { end_process(t, (u32)status, 0); }
ON_PROCESS_EXIT(end_by_exit);

void trace_death(struct thread *t, int host_signal)
{
    end_process(t, (u32)t->personality->signal_from_host(host_signal), 1);
}

static void forget_parent(struct thread *t)
{
    if (trace_area == NULL)
        return; /* nothing is known, and what is not written to need not be copied */
    t->trace_ring = 0;
    trace_names_forget();
}
ON_FORK_CHILD(forget_parent);
