package certify

import (
	"crypto/ed25519"
	"math/big"
	"slices"
)

// An edwards25519 is the curve of Ed25519: -x² + y² = 1 + d·x²·y² modulo p (RFC
// 8032, section 5.1). It is computed with math/big, which takes no constant
// time: use it for public keys alone.
type edwards25519 struct{ p, d *big.Int }

func newEdwards25519() edwards25519 {
	p := new(big.Int).Lsh(big.NewInt(1), 255)
	p.Sub(p, big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665))
	return edwards25519{p, d.Mod(d, p)}
}

// isStrongEd25519 reports whether pub is the encoding of a point whose order
// is large. Under a key of small order (1, 2, 4 or 8) anybody can make
// signatures that verify, and crypto/ed25519 does not refuse such keys.
func isStrongEd25519(pub ed25519.PublicKey) bool {
	c := newEdwards25519()
	x, y, ok := c.decode(pub)
	if !ok {
		return false
	}
	for range 3 { // 8·P, which is the neutral point (0, 1) for all P of small order
		x, y = c.double(x, y)
	}
	return x.Sign() != 0 || y.Cmp(big.NewInt(1)) != 0
}

// decode is the decoding of RFC 8032, section 5.1.3. It refuses a y that is
// not below p: one point must not have two encodings.
func (c edwards25519) decode(b []byte) (x, y *big.Int, ok bool) {
	reversed := slices.Clone(b) // little-endian, with the sign of x in the highest bit
	slices.Reverse(reversed)
	odd := reversed[0] >> 7
	reversed[0] &= 0x7f
	y = new(big.Int).SetBytes(reversed)
	if y.Cmp(c.p) >= 0 {
		return nil, nil, false
	}
	yy := c.mul(y, y)
	above := new(big.Int).Sub(yy, big.NewInt(1))
	below := c.mul(c.d, yy)
	x = new(big.Int).ModSqrt(c.div(above, below.Add(below, big.NewInt(1))), c.p)
	if x == nil || x.Sign() == 0 && odd == 1 {
		return nil, nil, false
	}
	if x.Bit(0) != uint(odd) {
		x.Sub(c.p, x)
	}
	return x, y, true
}

// double adds the point to itself. The formula holds for all points, since d
// is no square.
func (c edwards25519) double(x, y *big.Int) (x2, y2 *big.Int) {
	xx, yy := c.mul(x, x), c.mul(y, y)
	product := c.mul(c.d, c.mul(xx, yy))
	one := big.NewInt(1)
	x2 = c.div(c.mul(big.NewInt(2), c.mul(x, y)), new(big.Int).Add(one, product))
	y2 = c.div(new(big.Int).Add(yy, xx), new(big.Int).Sub(one, product))
	return x2, y2
}

func (c edwards25519) mul(a, b *big.Int) *big.Int {
	out := new(big.Int).Mul(a, b)
	return out.Mod(out, c.p)
}

// div wants a divisor that is not 0 modulo p, as the curve's formulas have it.
func (c edwards25519) div(a, b *big.Int) *big.Int {
	inverse := new(big.Int).ModInverse(new(big.Int).Mod(b, c.p), c.p)
	return c.mul(new(big.Int).Mod(a, c.p), inverse)
}
