// Files and directories, in the directory it is started in.  Prints the same lines on every system.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func contents() {
	check(os.WriteFile("a", []byte(strings.Repeat("line\n", 5000)), 0o640))
	file := must(os.OpenFile("a", os.O_RDWR|os.O_APPEND, 0))
	must(file.WriteString("end"))
	must(file.Seek(-8, io.SeekEnd))
	tail := must(io.ReadAll(file))
	fmt.Printf("tail %q\n", tail)
	check(file.Truncate(7))
	part := make([]byte, 4)
	n, err := file.ReadAt(part, 5)
	fmt.Printf("ReadAt %d %q %v\n", n, part[:n], err)
	check(file.Sync())
	info := must(file.Stat())
	fmt.Println("stat", info.Size(), info.Mode(), info.IsDir())
	check(file.Close())
	_, err = file.Write([]byte("x"))
	fmt.Println("after close:", errors.Is(err, os.ErrClosed))
}

func names() {
	check(os.Symlink("a", "link"))
	check(os.Link("a", "hard"))
	fmt.Println("readlink", must(os.Readlink("link")), must(os.Lstat("link")).Mode())
	fmt.Println("same file:", os.SameFile(must(os.Stat("a")), must(os.Stat("hard"))))
	fmt.Println("links", must(os.Stat("a")).Sys().(*syscall.Stat_t).Nlink)
	check(os.Rename("hard", "moved"))
	_, err := os.Stat("hard")
	fmt.Println("old name:", errors.Is(err, fs.ErrNotExist))
	_, err = os.OpenFile("moved", os.O_CREATE|os.O_EXCL, 0o600)
	fmt.Println("exclusive:", errors.Is(err, fs.ErrExist))
	fmt.Println("remove:", os.Remove("nothing"))
	when := time.Date(2001, 2, 3, 4, 5, 6, 789000000, time.UTC)
	check(os.Chtimes("a", when, when))
	check(os.Chmod("a", 0o604))
	info := must(os.Stat("a"))
	fmt.Println("times", info.ModTime().UTC().Format(time.RFC3339Nano), info.Mode())
}

func directories() {
	check(os.MkdirAll("d/e/f", 0o755))
	for i := range 300 {
		check(os.WriteFile(fmt.Sprintf("d/e/file-%03d", i), []byte{byte(i)}, 0o644))
	}
	entries := must(os.ReadDir("d/e"))
	fmt.Println("entries", len(entries), entries[0].Name(), entries[300].Name(), entries[0].IsDir())
	count := 0
	check(filepath.WalkDir("d", func(string, fs.DirEntry, error) error { count++; return nil }))
	fmt.Println("walked", count)
	fmt.Println("not empty:", errors.Is(syscall.Rmdir("d"), syscall.ENOTEMPTY), errors.Is(os.Mkdir("d", 0), fs.ErrExist))
	check(os.Chdir("d/e/f"))
	fmt.Println("inside", strings.HasSuffix(must(os.Getwd()), "/d/e/f"))
	check(os.Chdir("../../.."))
	check(os.CopyFS("copy", os.DirFS("d")))
	fmt.Println("copied", len(must(os.ReadDir("copy/e"))))
	check(os.RemoveAll("d"))
	_, err := os.Stat("d")
	fmt.Println("gone:", errors.Is(err, fs.ErrNotExist))
}

func kernel() {
	file := must(os.Open("a"))
	fd := int(file.Fd())
	check(syscall.Flock(fd, syscall.LOCK_EX))
	other := must(os.Open("a"))
	err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	fmt.Println("locked:", errors.Is(err, syscall.EWOULDBLOCK))
	mapped := must(syscall.Mmap(fd, 0, 7, syscall.PROT_READ, syscall.MAP_SHARED))
	fmt.Printf("mapped %q\n", mapped)
	check(syscall.Munmap(mapped))
	r, w := must2(os.Pipe())
	go func() {
		must(w.Write(make([]byte, 300000)))
		check(w.Close())
	}()
	fmt.Println("through a pipe:", len(must(io.ReadAll(r))))
	check(r.SetReadDeadline(time.Now()))
	err = os.WriteFile("/dev/full", []byte("x"), 0)
	fmt.Println("full:", errors.Is(err, syscall.ENOSPC))
	_, err = os.ReadFile(".")
	fmt.Println("directory:", errors.Is(err, syscall.EISDIR))
	_, err = os.Stat("a/b")
	fmt.Println("no directory:", errors.Is(err, syscall.ENOTDIR))
	_, err = os.Stat(strings.Repeat("n", 300))
	fmt.Println("long name:", errors.Is(err, syscall.ENAMETOOLONG))
}

func must2[A, B any](a A, b B, err error) (A, B) {
	check(err)
	return a, b
}

func main() {
	contents()
	names()
	directories()
	kernel()
}
