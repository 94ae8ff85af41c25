// Package places says where a system keeps things.
package places

import "runtime"

// Init returns the path of the first program that the system starts.
func Init() string {
	if runtime.GOOS == "freebsd" {
		return "/sbin/init"
	}
	return "/usr/lib/systemd/systemd"
}
