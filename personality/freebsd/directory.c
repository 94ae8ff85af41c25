/* Directory entries: getdirentries, and its form from before inode numbers had 64 bits. */
#include "files.h"

static size_t write_now(void *to, const struct linux_dirent64 *from)
{
    struct freebsd_dirent *entry = to;
    size_t length = strlen((const char *)from->name);
    size_t size = entry_size(offsetof(struct freebsd_dirent, name) + length + 1, 8);
    memset(entry, 0, size);
    entry->fileno = entry_number(from);
    entry->off = from->off;
    entry->reclen = (u16)size;
    entry->type = from->type;
    entry->namlen = (u16)length;
    memcpy(entry->name, from->name, length);
    return size;
}

static size_t write_11(void *to, const struct linux_dirent64 *from)
{
    struct freebsd_freebsd11_dirent *entry = to;
    size_t length = strlen((const char *)from->name);
    size_t size = entry_size(offsetof(struct freebsd_freebsd11_dirent, name) + length + 1, 4);
    memset(entry, 0, size);
    entry->fileno = (u32)entry_number(from);
    entry->reclen = (u16)size;
    entry->type = from->type;
    entry->namlen = (u8)length;
    memcpy(entry->name, from->name, length);
    return size;
}

long freebsd_sys_getdirentries(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], a[2], a[3], write_now);
}

long freebsd_sys_freebsd11_getdirentries(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], (u32)a[2], a[3], write_11);
}

long freebsd_sys_freebsd11_getdents(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], a[2], 0, write_11);
}
