package redisstore_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// refused wants New to fail with words that say why.
func refused(t *testing.T, name string, cfg redisstore.Config, says string) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience / 4); time.Now().Before(deadline); tick() {
		var s *redisstore.Store
		if s, err = redisstore.New(cfg); err == nil {
			s.Close()
			t.Errorf("%s is accepted", name)
			return
		}
		if strings.Contains(err.Error(), says) {
			return
		}
		t.Logf("%s: asked again after: %v", name, err) // the machine may be too slow
	}
	t.Errorf("%s: %q does not say %q", name, err, says)
}

func TestEvictingServers(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"} {
		redis.do("CONFIG", "SET", "maxmemory-policy", policy)
		refused(t, policy, config(redis.addr), "noeviction")
		cfg := config(redis.addr)
		cfg.InsecureAllowEviction = true
		open(t, cfg)
	}
}

// A policy that is changed later is found when the connection comes anew.
func TestLaterEviction(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	_, book := openWarm(t, config(redis.addr), 1)
	if book.count("maxmemory-policy") != 0 {
		t.Error("it warns of a policy that is as it must be")
	}
	redis.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	redis.do("CLIENT", "KILL", "TYPE", "normal")
	eventually(t, "it warns", func() bool { return book.count("maxmemory-policy is not noeviction") > 0 })
}

// A store that is full says so, and drops nothing.
func TestFullServer(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s := open(t, config(redis.addr))
	if _, err := s.PutIfAbsent(t.Context(), "attempt:first", "v", time.Hour); err != nil {
		t.Fatal(err)
	}
	redis.do("CONFIG", "SET", "maxmemory", "1")
	_, err := s.PutIfAbsent(t.Context(), "attempt:second", "v", time.Hour)
	if err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("PutIfAbsent into a full Redis: %v", err)
	}
	if err := s.Put(t.Context(), "revoked:a", "1", time.Hour); err == nil {
		t.Error("Put into a full Redis is no error")
	}
	get(t, s, "attempt:first", true)
	get(t, s, "attempt:second", false)
	get(t, s, "revoked:a", false)
}

// What doc.go says that the user needs: always, in a cluster, behind Sentinel, and
// with Config.Replicas.
const (
	permissions         = "+get +set +pttl +ping +info +client|tracking"
	clusterPermissions  = " +cluster|slots +cluster|shards"
	sentinelPermissions = " +role"
	replicaPermissions  = " +wait +eval +pexpiretime +pexpireat"
)

// as makes a user of the given permissions, and a configuration to be them.
func (s *server) as(name, rules string) redisstore.Config {
	s.do(append([]string{"ACL", "SETUSER", name, "reset", "on", ">open sesame", "~certify:*"}, strings.Fields(rules)...)...)
	cfg := config(s.addr)
	cfg.Client.Username, cfg.Client.Password = name, "open sesame"
	return cfg
}

func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	permitted, _ := openWarm(t, redis.as("certify", permissions), 1)
	s := patient{t, permitted}
	if _, err := s.PutIfAbsent(t.Context(), "attempt:a", "v", time.Hour); err != nil {
		t.Error(err)
	}
	if err := s.Put(t.Context(), "account:a", "1", time.Hour); err != nil {
		t.Error(err)
	}
	get(t, permitted, "account:a", true)
	get(t, permitted, "attempt:a", true)
	for without, says := range map[string]string{
		"+set": "'set' command", "+get": "'get' command", "+info": "'info' command",
	} {
		refused(t, "a user without "+without, redis.as("less", strings.Replace(permissions, without, "", 1)), says)
	}
	// Whether changes are told shows later, and costs no more than the cache.
	book := newLogbook()
	cfg := redis.as("less", strings.Replace(permissions, "+client|tracking", "", 1))
	cfg.Logger = bookLogger(book)
	deaf := open(t, cfg)
	eventually(t, "it says that +client|tracking is missing", func() bool { return book.count("NOPERM") > 0 })
	get(t, deaf, "account:a", true)
	cfg = redis.as("less", permissions)
	cfg.Client.Password = "open barley"
	refused(t, "a wrong password", cfg, "WRONGPASS")
	if _, err := redisstore.New(cfg); strings.Contains(err.Error(), "barley") {
		t.Error("the error holds the password")
	}
	cfg = redis.as("less", permissions)
	cfg.Prefix = "elsewhere:"
	refused(t, "a prefix that is not the user's", cfg, "NOPERM")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	port := freePort(t)
	redis := redisServer(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	cfg := config("127.0.0.1:" + port)
	cfg.Client.TLSConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	conform(t, cfg, redis)
	cfg.Client.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	refused(t, "a certificate that nobody knows", cfg, "certificate")
	cfg = config("127.0.0.1:" + port)
	cfg.Timeout = timeout
	plain := open(t, cfg) // which looks like a Redis that is going down
	if _, _, err := plain.Get(t.Context(), "revoked:a"); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("plain text to a TLS port: %v", err)
	}
}

// certificate makes one for 127.0.0.1, in files.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool = x509.NewCertPool()
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(cert)
	pool.AppendCertsFromPEM(text)
	return cert, key, pool
}

// An older Redis, or what only looks like Redis, is noticed at the start, and so
// is a proxy that does not speak RESP3.
func TestOtherServers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change map[string]string
		says   string
	}{
		"Redis 6.0, by its version":        {map[string]string{"HELLO": hello("6.0.16")}, "version 6.0.16"},
		"Redis 6.0, full":                  {map[string]string{"HELLO": hello("6.0.16"), "SET": "-OOM command not allowed when used memory > 'maxmemory'.\r\n"}, "version 6.0.16"},
		"Redis 6.0, by what it does":       {map[string]string{"SET": "-ERR syntax error\r\n"}, "version 7"},
		"a server that does not know GET":  {map[string]string{"SET": "+OK\r\n"}, "does not tell what stands"},
		"a proxy that does not know HELLO": {map[string]string{"HELLO": "-ERR unknown command 'HELLO'\r\n"}, "does not speak RESP3"},
		"a proxy that speaks RESP2 alone":  {map[string]string{"HELLO": "-NOPROTO unsupported protocol version\r\n"}, "does not speak RESP3"},
		"a server that is no Redis":        {map[string]string{"HELLO": "-ERR go away\r\n"}, "go away"},
	} {
		refused(t, name, config(newFakeRedis(t, row.change).addr), row.says)
	}
}

// A fakeRedis answers what a test wants: a real one of this kind is not at hand.
type fakeRedis struct {
	addr string

	mu      sync.Mutex
	replies map[string]string // by command; "" closes the connection
	stored  map[string]string // by SET with NX and GET
}

func hello(version string) string {
	return fmt.Sprintf("%%4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$%d\r\n%s\r\n$5\r\nproto\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n", len(version), version)
}

// newFakeRedis begins as an empty Redis 7 does, but for the changes.
func newFakeRedis(t *testing.T, changes map[string]string) *fakeRedis {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f := &fakeRedis{addr: l.Addr().String(), stored: make(map[string]string), replies: map[string]string{
		"HELLO": hello("7.0.15"), "CLUSTER": "-ERR This instance has cluster support disabled\r\n", "PING": "+PONG\r\n",
		"GET": "_\r\n", "INFO": bulk("# Replication\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n"),
	}}
	f.change(changes)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
	return f
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func (f *fakeRedis) change(replies map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.Copy(f.replies, replies)
}

func (f *fakeRedis) reply(args []string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	command := strings.ToUpper(args[0])
	if reply, ok := f.replies[command]; ok {
		return reply
	}
	if command != "SET" {
		return "+OK\r\n"
	}
	stands, ok := f.stored[args[1]]
	if ok {
		return bulk(stands)
	}
	f.stored[args[1]] = args[2]
	return "_\r\n"
}

func (f *fakeRedis) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		var n, size int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
			return
		}
		args := make([]string, n)
		for i := range args {
			if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
				return
			}
			word := make([]byte, size+2)
			if _, err := io.ReadFull(r, word); err != nil {
				return
			}
			args[i] = string(word[:size])
		}
		reply := f.reply(args)
		if reply == "" {
			return
		}
		if _, err := io.WriteString(c, reply); err != nil {
			return
		}
	}
}
