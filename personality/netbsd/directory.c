/* Directory entries, in the form of today and of releases up to 2. */
#include "files.h"
#include "netbsd.h"

static size_t write_now(void *to, const struct linux_dirent64 *from)
{
    struct netbsd_dirent *entry = to;
    size_t length = strlen((const char *)from->name);
    size_t size = entry_size(offsetof(struct netbsd_dirent, name) + length + 1, 8);
    memset(entry, 0, size);
    entry->fileno = from->ino != 0 ? from->ino : 1;
    entry->reclen = (u16)size;
    entry->namlen = (u16)length;
    entry->type = from->type;
    memcpy(entry->name, from->name, length);
    return size;
}

static size_t write_12(void *to, const struct linux_dirent64 *from)
{
    struct netbsd_dirent12 *entry = to;
    size_t length = strlen((const char *)from->name);
    size_t size = entry_size(offsetof(struct netbsd_dirent12, name) + length + 1, 4);
    memset(entry, 0, size);
    entry->fileno = (u32)entry_number(from);
    entry->reclen = (u16)size;
    entry->type = from->type;
    entry->namlen = (u8)length;
    memcpy(entry->name, from->name, length);
    return size;
}

long netbsd_sys_getdents(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], a[2], 0, write_now);
}

long netbsd_sys_getdents12(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], a[2], 0, write_12);
}
