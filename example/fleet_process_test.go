package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is one that the test started, and may start again.
type process struct {
	t     testing.TB
	addr  string
	make  func() *exec.Cmd
	ready func(ctx context.Context, addr string) bool

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
}

// start waits until it is ready. A process that ends before is started again, as
// it is by whatever supervises processes: on a busy machine another may take its
// port.
func (p *process) start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for p.run(); !p.ready(ctx, p.addr); <-time.After(5 * time.Millisecond) {
		if ctx.Err() != nil {
			p.t.Fatalf("%s does not get ready", p.cmd)
		}
		select {
		case <-p.ended:
			p.t.Logf("%s ended at once, and is started again", p.cmd)
			p.run()
		default:
		}
	}
}

func (p *process) run() {
	p.t.Helper()
	cmd, ended := p.make(), make(chan struct{})
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.ended = cmd, ended
	go func() { _ = cmd.Wait(); close(ended) }()
}

func listens(ctx context.Context, addr string) bool {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// answers is for shops, which listen before they open.
func answers(ctx context.Context, addr string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/static/icon.svg", nil)
	if err != nil {
		return false
	}
	req.Close = true // what is counted later has no connection of this one's
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
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
