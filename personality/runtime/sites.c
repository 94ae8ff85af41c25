/* Sites that earlier runs of a program patched, kept beside its plan, so that a later run patches them
 * while it maps the code and is never caught there.
 *
 * A caught syscall is proof that there is one, and a program makes much the same calls every time.  So
 * what is kept belongs to the program: the sites in its own code and in the libraries that it loads, each
 * by the identity of its file and its place there.  What was learned is written when the program ends or
 * executes another; a reader finds a whole file or none. */
#include "debug.h"
#include "patch.h"
#include <asm-generic/resource.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

#define SITES_MAGIC 0x5354495345535547UL
#define MOST_SITES 1024
#define FEW_SITES 16 /* that lie with what every process touches */
#define TEMPORARY ".sites-%d-%lx"

struct site {
    u64 image;
    u32 page; /* of its place in the file */
    u16 in_page;
    u16 kind;
};
_Static_assert(sizeof(struct site) == 16, "what is kept in files");

struct sites_header {
    u64 magic, count;
};

static struct site few_sites[FEW_SITES], more_sites[MOST_SITES - FEW_SITES] LARGE;
static u32 site_count, saved_count; /* those behind saved_count were learned by this process */
static char file_name[128];         /* within the folder of plans; empty: nothing is kept */

static u64 mix(u64 hash, u64 value)
{
    for (u32 i = 0; i < 8; i++, value >>= 8)
        hash = (hash ^ (value & 0xff)) * 0x100000001b3UL;
    return hash;
}

u64 image_identity(int fd)
{
    struct stat s;
    if (host(__NR_fstat, fd, &s) != 0)
        return 0;
    u64 hash = 0xcbf29ce484222325UL;
    const u64 parts[] = {s.st_dev, s.st_ino, (u64)s.st_size, s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_ctime_nsec};
    for (u32 i = 0; i < ARRAY_LENGTH(parts); i++)
        hash = mix(hash, parts[i]);
    return hash | 1;
}

static struct site *site_at(u32 i) { return i < FEW_SITES ? &few_sites[i] : &more_sites[i - FEW_SITES]; }

static bool same(const struct site *a, const struct site *b)
{
    return a->image == b->image && a->page == b->page && a->in_page == b->in_page;
}

void site_learned(const struct code_range *r, u64 site, u32 kind)
{
    u64 place = r->offset + (site - r->low);
    struct site fresh = {r->image, (u32)(place / PAGE), (u16)(place % PAGE), (u16)kind};
    if (r->image == 0 || site_count == MOST_SITES || place / PAGE > 0xffffffffUL)
        return;
    for (u32 i = 0; i < site_count; i++)
        if (same(site_at(i), &fresh))
            return;
    *site_at(site_count++) = fresh;
}

u32 sites_known(const struct code_range *r, site_function apply)
{
    u32 found = 0;
    for (u32 i = 0; r->image != 0 && i < site_count; i++) {
        const struct site *s = site_at(i);
        u64 place = s->page * PAGE + s->in_page;
        if (s->image != r->image || place < r->offset || place - r->offset >= r->high - r->low - 1)
            continue;
        found++;
        apply(r, r->low + (place - r->offset), s->kind);
    }
    return found;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static bool is_ours(int fd)
{
    struct stat s;
    return host(__NR_fstat, fd, &s) == 0 && (s.st_uid == 0 || s.st_uid == (u64)host(__NR_geteuid));
}

/* How many sites the file holds; they are in `first`, and from its end on in `rest`. */
static u32 read_sites(int folder, struct site *first, u32 room, struct site *rest)
{
    struct sites_header h = {0, 0};
    struct iovec parts[3] = {
        {&h, sizeof(h)}, {first, room * sizeof(*first)}, {rest, (MOST_SITES - room) * sizeof(*rest)}};
    long fd = host(__NR_openat, folder, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0), n = 0;
    if (is_error(fd))
        return 0;
    if (is_ours((int)fd))
        n = host(__NR_readv, fd, parts, rest != NULL ? 3 : 2);
    host(__NR_close, fd);
    bool whole = n >= (long)sizeof(h) && h.magic == SITES_MAGIC && h.count <= MOST_SITES &&
                 n == (long)(sizeof(h) + h.count * sizeof(*first));
    return whole ? (u32)h.count : 0;
}

void sites_load(const struct process *p, int image)
{
    if (p->plans_fd < 0 || p->no_patch || debug_active || p->engine != ENGINE_NATIVE)
        return;
    format(file_name, sizeof(file_name), "%lx.sites", image_identity(image));
    site_count = saved_count = read_sites(p->plans_fd, few_sites, FEW_SITES, more_sites);
}

static bool may_write(u64 size)
{
    u64 limit[2] = {0, 0};
    return host(__NR_prlimit64, 0, RLIMIT_FSIZE, 0, limit) == 0 && limit[0] >= size;
}

/* Together with what another process has learned meanwhile. */
static void write_sites(struct process *p, struct site *all)
{
    char name[48];
    u32 kept = read_sites(p->plans_fd, all, MOST_SITES, NULL);
    struct sites_header h = {SITES_MAGIC, kept};
    for (u32 i = saved_count; i < site_count && h.count < MOST_SITES; i++) {
        u32 k = 0;
        while (k < h.count && !same(&all[k], site_at(i)))
            k++;
        all[k] = *site_at(i);
        h.count += k == h.count;
    }
    u64 size = sizeof(h) + h.count * sizeof(*all);
    format(name, sizeof(name), TEMPORARY, (s32)host(__NR_gettid), site_at(site_count - 1)->image);
    if (h.count == kept || !may_write(size))
        return;
    long fd = host(__NR_openat, p->plans_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (is_error(fd))
        return;
    bool whole = host(__NR_write, fd, &h, sizeof(h)) == (long)sizeof(h) &&
                 host(__NR_write, fd, all, size - sizeof(h)) == (long)(size - sizeof(h));
    host(__NR_close, fd);
    if (!whole || host(__NR_renameat, p->plans_fd, name, p->plans_fd, file_name) != 0)
        host(__NR_unlinkat, p->plans_fd, name, 0);
}

static void sites_save(struct thread *t)
{
    if (site_count == saved_count || file_name[0] == 0)
        return;
    struct site *all = runtime_alloc(MOST_SITES * sizeof(*all));
    if (all == NULL)
        return;
    write_sites(t->process, all);
    runtime_free(all);
    saved_count = site_count;
}
ON_EXEC(sites_save);

static void save_at_end(struct thread *t, int status UNUSED) { sites_save(t); }
ON_PROCESS_EXIT(save_at_end);
