package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is one that the test started, and may start again.
type process struct {
	t    testing.TB
	addr string
	make func() *exec.Cmd

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
}

// start waits until somebody listens.
func (p *process) start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd, ended := p.make(), make(chan struct{})
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.ended = cmd, ended
	go func() { _ = cmd.Wait(); close(ended) }()
	for deadline := time.Now().Add(patience); ; <-time.After(5 * time.Millisecond) {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			p.t.Fatalf("%s ended at once", cmd)
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s does not listen", cmd)
		}
	}
}

func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Signal(sig)
}

// end sends a signal and waits.
func (p *process) end(sig syscall.Signal) {
	p.signal(syscall.SIGCONT)
	p.signal(sig)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		<-p.ended
		p.t.Errorf("%s did not end", p.cmd)
	}
}

// files counts what a process has open, connections above all.
func (p *process) files() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(entries)
}
