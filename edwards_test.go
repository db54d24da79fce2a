package certify_test

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// smallOrder are the 14 encodings of the 8 points of small order, as
// libsodium's and Chalkias et al. ("Taming the many EdDSAs", table 1) list them:
// with and without the sign, and with y above p where it still fits 255 bits.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func parseEd25519(x []byte) error {
	_, err := certify.ParseJWKS(fmt.Appendf(nil, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, base64.RawURLEncoding.EncodeToString(x)))
	return err
}

// Under some of these, crypto/ed25519 verifies signatures that nobody made.
func TestEd25519KeysOfSmallOrder(t *testing.T) {
	t.Parallel()
	for _, encoded := range smallOrder {
		x, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if err := parseEd25519(x); err == nil || !strings.Contains(err.Error(), "not a point of Ed25519, or one of small order") {
			t.Errorf("%s: error %v", encoded, err)
		}
	}
}

// isSquare is Euler's criterion: another way than the square root.
func isSquare(a, p *big.Int) bool {
	half := new(big.Int).Rsh(new(big.Int).Sub(p, big.NewInt(1)), 1)
	return new(big.Int).Exp(a, half, p).Cmp(new(big.Int).Sub(p, big.NewInt(1))) != 0
}

// TestEd25519Points holds random bytes against the equation of the curve, with
// the constant of RFC 8032 and no division, and generated keys against the rest.
func TestEd25519Points(t *testing.T) {
	t.Parallel()
	p, _ := new(big.Int).SetString("57896044618658097711785492504343953926634992332820282019728792003956564819949", 10)
	d, _ := new(big.Int).SetString("37095705934669439343138083508754565189542113879843219016388785533085940283555", 10)
	on := 0
	for i := range 300 {
		seed := sha512.Sum512_256(fmt.Appendf(nil, "point %d", i))
		pub := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		if err := parseEd25519(pub); err != nil {
			t.Fatalf("a generated key: %v", err)
		}
		y := slices.Clone(seed[:])
		slices.Reverse(y)
		y[0] &= 0x7f
		yy := new(big.Int).SetBytes(y)
		yy.Mod(yy.Mul(yy, yy), p)
		u := new(big.Int).Sub(yy, big.NewInt(1))
		v := new(big.Int).Add(new(big.Int).Mul(d, yy), big.NewInt(1))
		// u/v is a square if and only if u*v is.
		want := isSquare(u.Mod(u.Mul(u, v), p), p)
		if want {
			on++
		}
		if err := parseEd25519(seed[:]); (err == nil) != want {
			t.Errorf("%x: error %v, on the curve: %v", seed, err, want)
		}
	}
	if on < 100 || on > 200 {
		t.Errorf("%d of 300 random encodings are points: about half must be", on)
	}
	for low := byte(0xed); low != 0; low++ { // y = p … 2^255-1, the encodings that are not canonical
		for _, sign := range []byte{0x7f, 0xff} {
			x := []byte(strings.Repeat("\xff", 32))
			x[0], x[31] = low, sign
			if parseEd25519(x) == nil {
				t.Errorf("%x is another encoding of a point", x)
			}
		}
	}
}
