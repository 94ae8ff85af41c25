/* The mount table, read from the host's /proc/self/mountinfo: the only place that has mount points, file
 * system types and sources of the mounts that this process sees.
 *
 * A line may be long beyond any bound (an overlay lists its layers), but what is wanted stands at its
 * front, so the tail of a long line is dropped. */
#include "files.h"

struct line_reader {
    int fd;
    size_t next, filled;
    char block[1024];
};

static long next_byte(struct line_reader *in)
{
    if (in->next == in->filled) {
        long got = host(__NR_read, in->fd, in->block, sizeof(in->block));
        if (got <= 0)
            return -1;
        in->next = 0;
        in->filled = (size_t)got;
    }
    return (u8)in->block[in->next++];
}

static bool next_line(struct line_reader *in, char *line, size_t room)
{
    size_t length = 0;
    long byte = next_byte(in);
    if (byte < 0)
        return false;
    for (; byte >= 0 && byte != '\n'; byte = next_byte(in))
        if (length + 1 < room)
            line[length++] = (char)byte;
    line[length] = 0;
    return true;
}

/* Blanks, tabs, newlines and backslashes are written in octal: \040. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
}

static char *next_word(char **rest)
{
    char *word = *rest, *end = word;
    while (*end && *end != ' ')
        end++;
    *rest = *end ? end + 1 : end;
    *end = 0;
    return word;
}

/* id parent major:minor root point options [optional ...] - type source super-options */
static bool parse_line(char *line, struct mount_entry *entry)
{
    char *rest = line;
    entry->id = 0;
    for (const char *digit = next_word(&rest); *digit >= '0' && *digit <= '9'; digit++)
        entry->id = entry->id * 10 + (u64)(*digit - '0');
    for (int skip = 0; skip < 3; skip++)
        next_word(&rest);
    char *point = next_word(&rest);
    unescape(point);
    entry->point = point;
    while (*rest && strcmp(next_word(&rest), "-") != 0)
        ;
    char *type = next_word(&rest), *source = next_word(&rest);
    unescape(source);
    entry->type = type;
    entry->source = source;
    return *type != 0;
}

long each_mount(long (*visit)(const struct mount_entry *entry, void *context), void *context)
{
    struct line_reader in = {.fd = -1};
    struct mount_entry entry;
    char line[2560];
    long r = host(__NR_openat, LINUX_AT_FDCWD, "/proc/self/mountinfo", LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0);
    if (is_error(r))
        return r;
    in.fd = (int)r;
    for (r = 0; r == 0 && next_line(&in, line, sizeof(line));)
        if (parse_line(line, &entry))
            r = visit(&entry, context);
    host(__NR_close, in.fd);
    return r;
}

/* Programs compare the names of types; the host's own disk file systems pass for the guest's (WAY_FILE_SYSTEMS), and
 * what only the host knows is left out of `df`. */
static const struct {
    char host[16], guest[16]; /* no pointers: those would be relocated in every process */
    u64 flags;
} type_names[] = {
    WAY_FILE_SYSTEMS
};

u32 file_system_type(const char *host_type, const char **name, u64 *flags)
{
    for (size_t i = 0; i < ARRAY_LENGTH(type_names); i++) {
        if (strcmp(host_type, type_names[i].host) != 0)
            continue;
        *name = type_names[i].guest;
        *flags = type_names[i].flags;
        return (u32)i + 1;
    }
    *name = host_type;
    *flags = BSD_MNT_LOCAL | BSD_MNT_IGNORE;
    return ARRAY_LENGTH(type_names) + 1;
}

void copy_text(u8 *to, size_t room, const char *from)
{
    size_t length = strlen(from);
    if (length >= room)
        length = room - 1;
    memcpy(to, from, length);
}

u64 mount_flags_of(u64 from, const char *point)
{
    static const u64 pairs[][2] = {
        {LINUX_ST_RDONLY, BSD_MNT_RDONLY},           {LINUX_ST_NOSUID, BSD_MNT_NOSUID},
        {LINUX_ST_NOEXEC, BSD_MNT_NOEXEC},           {LINUX_ST_NOATIME, BSD_MNT_NOATIME},
        {LINUX_ST_SYNCHRONOUS, BSD_MNT_SYNCHRONOUS}, {LINUX_ST_NOSYMFOLLOW, BSD_MNT_NOSYMFOLLOW},
        {LINUX_ST_NODEV, BSD_MNT_NODEV},
    };
    u64 flags = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++)
        if (from & pairs[i][0])
            flags |= pairs[i][1];
    if (strcmp(point, "/") == 0)
        flags |= BSD_MNT_ROOTFS;
    return flags;
}
