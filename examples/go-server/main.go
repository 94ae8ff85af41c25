// A small HTTP server that says for which system it was built, until it is asked to stop.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s, from a program for %s\n", r.PathValue("name"), runtime.GOOS)
	})
	server := &http.Server{}
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go server.Serve(listener)
	fmt.Println(listener.Addr())
	<-asked.Done()
	server.Shutdown(context.Background())
	fmt.Println("stopped in order")
}
