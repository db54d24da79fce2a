package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// The program as it is started by hand: with the real standard output, error
// output and log, all of which are searched for what nobody may print.
func TestTheProcess(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	out := &output{written: make(chan struct{}, 1)}
	cmd := exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-sandbox", "127.0.0.1:0")
	cmd.Env = []string{beMain + "=1", "TMPDIR=" + temp}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	s := &stand{t: t, output: out}
	s.shop, s.sandbox = out.wait(t, ended)
	s.walk(t)
	if files, _ := filepath.Glob(filepath.Join(temp, "moonlight-wine-*", "*")); len(files) != 1 {
		t.Errorf("the temporary files are %q", files)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if files, _ := filepath.Glob(filepath.Join(temp, "*")); len(files) != 0 {
		t.Errorf("it left %q", files)
	}
	s.noSecrets("what it printed", out.String())
	if !strings.Contains(out.String(), "certify: issued") || len(s.private) < 20 {
		t.Errorf("%d secrets, and it printed:\n%s", len(s.private), out)
	}
}

// walk goes everywhere, with everybody there is.
func (s *stand) walk(t *testing.T) {
	t.Helper()
	for _, person := range []string{
		sandbox.Adult, sandbox.Minor, sandbox.Foreigner, sandbox.NationalityUnknown, sandbox.NoDI, sandbox.NoCI,
		sandbox.TestChannel, sandbox.Before1970, sandbox.Under14,
	} {
		v := s.visitor()
		v.become(person, "")
		v.become(person, signUp)
		for _, path := range []string{"/", "/cellar", "/checkout", "/guests", "/me", "/signup", "/certifications/claim"} {
			v.open(path)
		}
		v.confirm("imp_000000000000")
		v.open("/certifications/redirect?imp_uid=imp_1&merchant_uid=someone&error_msg=" + person)
		v.send("/checkout", "wine=full-moon")
		v.send("/certifications/logout", "")
		v.send("/leave", "")
	}
	want(t, "the end of the walk", s.visitor().open("/"), http.StatusOK)
}

func TestTheProcessSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"-addr 0.0.0.0:0": "not a loopback address",
		"-help":           "-sandbox",
		"-nonsense":       "-nonsense",
	} {
		cmd := exec.Command(os.Args[0], strings.Fields(args)...)
		cmd.Env = []string{beMain + "=1"}
		var all bytes.Buffer
		cmd.Stdout, cmd.Stderr = &all, &all
		err := cmd.Run()
		if failed := args != "-help"; (err != nil) != failed || !strings.Contains(all.String(), says) {
			t.Errorf("%s: %v: %s", args, err, &all)
		}
	}
}
