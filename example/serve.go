package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
	"github.com/certify-go/certify/sandbox"
)

// Limits of the HTTP servers. Writing outlasts the 10 s that a lookup at the
// provider may take, and the 3 s that an unfinished one is waited for.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = time.Minute
	maxHeaderBytes    = 32 << 10
	shutdownTimeout   = 10 * time.Second
)

// runReal serves the shop in front of the real service.
func (p program) runReal(ctx context.Context, cfg settings) error {
	shop := shopConfig{keys: cfg.real.keys, pepper: cfg.real.pepper}
	if err := cfg.real.furnish(&shop, cfg.providers, p.now); err != nil {
		return err
	}
	if cfg.dbPath == "" {
		cfg.dbPath = defaultDB
	}
	listener, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	shop.origin = originOf(cfg, listener)
	return p.open(ctx, cfg, listener, shop)
}

// runSandboxed serves the shop and, beside it, the sandbox on a port of its
// own: as far from the shop as the real service is.
func (p program) runSandboxed(ctx context.Context, cfg settings) error {
	listener, err := listenLoopback(cfg.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	sandboxListener, err := p.listenSandbox(cfg)
	if err != nil {
		return err
	}
	defer sandboxListener.Close()
	shop := shopConfig{origin: originOf(cfg, listener), sandboxURL: "http://" + sandboxListener.Addr().String()}
	if err := p.furnishSandbox(&shop, cfg.providers...); err != nil {
		return err
	}
	if cfg.dbPath == "" {
		dir, err := os.MkdirTemp("", "moonlight-wine-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		cfg.dbPath = filepath.Join(dir, defaultDB)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer stop()
		done <- p.serve(ctx, sandboxListener, shop.sandbox)
	}()
	err = p.open(ctx, cfg, listener, shop)
	stop()
	return errors.Join(err, <-done)
}

// furnishSandbox makes the sandbox, the providers that ask it (V1 alone unless
// others are named), and keys that are thrown away with the process.
func (p program) furnishSandbox(shop *shopConfig, providers ...string) (err error) {
	if shop.sandbox, err = sandbox.New(sandbox.Config{Now: p.now, Logger: p.logger}); err != nil {
		return err
	}
	if len(providers) == 0 {
		providers = []string{v1}
	}
	if err := sandboxCredentials(shop.sandboxURL).furnish(shop, providers, p.now); err != nil {
		return err
	}
	line, err := certify.GenerateKey("HS256")
	if err != nil {
		return err
	}
	if shop.keys, err = certify.ParseKeys(line); err != nil {
		return err
	}
	shop.pepper, err = certify.ParsePepper(certify.GeneratePepper())
	return err
}

// listenSandbox takes another port if the default one is taken, and says so.
func (p program) listenSandbox(cfg settings) (net.Listener, error) {
	listener, err := listenLoopback(cfg.sandboxAddr)
	if cfg.sandboxChosen || !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	if listener, err = listenLoopback("127.0.0.1:0"); err == nil {
		fmt.Fprintf(p.stdout, "%s is taken: the sandbox uses another port (-sandbox chooses one)\n", cfg.sandboxAddr)
	}
	return listener, err
}

// listenLoopback looks at the address that was really taken: "localhost" is
// whatever the machine's resolver makes of it.
func listenLoopback(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := loopbackAddr(listener.Addr().String()); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// originOf is what visitors see: ORIGIN, or where the shop listens.
func originOf(cfg settings, listener net.Listener) string {
	if cfg.origin != "" {
		return cfg.origin
	}
	host, _, _ := net.SplitHostPort(cfg.addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://" + net.JoinHostPort(host, port)
}

// open opens the members' file and serves the shop.
func (p program) open(ctx context.Context, cfg settings, listener net.Listener, sc shopConfig) error {
	members, err := openMembers(cfg.dbPath, sc.pepper, p.now)
	if err != nil {
		return err
	}
	defer members.close()
	store, closeStore, err := p.openStore(cfg)
	if err != nil {
		return err
	}
	defer closeStore()
	sc.members, sc.store, sc.logger, sc.now = members, store, p.logger, p.now
	shop, err := newShop(sc)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "달빛 와인 · Moonlight Wine\n  open     %s/\n", sc.origin)
	if sc.sandbox != nil {
		fmt.Fprintf(p.stdout, "  sandbox  %s/sandbox  (test people; nobody is really verified)\n", sc.sandboxURL)
	} else {
		fmt.Fprintf(p.stdout, "  members  %s\n", cfg.dbPath)
	}
	return p.serve(ctx, listener, shop)
}

// openStore opens what the processes of one shop share, and nothing for one
// that is alone: certify remembers in memory then.
func (p program) openStore(cfg settings) (certify.Store, func(), error) {
	if cfg.redisAddr == "" {
		return nil, func() {}, nil
	}
	store, err := redisstore.New(redisstore.Config{
		Client: rueidis.ClientOption{InitAddress: []string{cfg.redisAddr}}, Logger: p.logger,
	})
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}

// serve answers until ctx ends, and then lets requests finish.
func (p program) serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(p.logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return server.Shutdown(grace)
}
