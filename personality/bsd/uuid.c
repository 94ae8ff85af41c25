/* uuidgen: identifiers of the time-based kind (version 1), which FreeBSD's kernel makes.  The node is not a
 * network card's address but a random one, marked as such by its multicast bit. */
#include "clocks.h"
#include "bsd.h"

#define MOST_AT_ONCE 2048
#define GREGORIAN 0x01B21DD213814000UL /* 15 October 1582 to 1970, in 100 ns */

RUNTIME_LOCK(uuid_lock);
static struct {
    u64 last;
    u8 node[6];
    u16 sequence;
    bool ready;
} generator;

static int seed(void)
{
    u8 random[8];

    if (generator.ready)
        return 0;
    if (host(__NR_getrandom, random, sizeof(random), 0) != sizeof(random))
        return -EAGAIN;
    memcpy(generator.node, random, sizeof(generator.node));
    generator.node[0] |= 1;
    generator.sequence = (u16)((random[6] | random[7] << 8) & 0x3fff);
    generator.ready = true;
    return 0;
}

/* The first of `count` times in a row that nobody has had. */
static u64 take_times(u32 count)
{
    struct timespec_host now;

    clock_read(LINUX_CLOCK_REALTIME, &now);
    u64 time = (u64)now.sec * 10000000 + (u64)now.nsec / 100 + GREGORIAN;
    if (time <= generator.last)
        time = generator.last + 1;
    generator.last = time + count - 1;
    return time;
}

static void reseed(struct thread *t UNUSED) { generator.ready = false; }
ON_FORK_CHILD(reseed);

long bsd_sys_uuidgen(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 count = (s32)a[1];
    struct bsd_uuid uuid;
    u64 time = 0;

    if (count < 1 || count > MOST_AT_ONCE)
        return -EINVAL;
    lock_acquire(&uuid_lock);
    int r = seed();
    if (r == 0)
        time = take_times((u32)count);
    uuid.clock_seq_hi_and_reserved = (u8)(generator.sequence >> 8 | 0x80);
    uuid.clock_seq_low = (u8)generator.sequence;
    memcpy(uuid.node, generator.node, sizeof(uuid.node));
    lock_release(&uuid_lock);
    for (s32 i = 0; r == 0 && i < count; i++, time++) {
        uuid.time_low = (u32)time;
        uuid.time_mid = (u16)(time >> 32);
        uuid.time_hi_and_version = (u16)((time >> 48 & 0x0fff) | 1 << 12);
        r = copy_out(a[0] + (u64)i * sizeof(uuid), &uuid, sizeof(uuid));
    }
    return r;
}

/* A record for a trace that nobody takes: FreeBSD without a trace looks at nothing but its being off. */
long bsd_sys_utrace(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return 0;
}
