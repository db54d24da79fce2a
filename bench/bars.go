package main

import "fmt"

// A bar is what the gate must reach: of ÷ than is at most ratio.
type bar struct {
	of, than string
	ratio    float64
	counted  bool // allocs counts
	allocs   int64
}

const (
	parseHS256 = "golang-jwt/parse/HS256"
	parseEdDSA = "golang-jwt/parse/EdDSA"
	warmBearer = "gate/bearer/HS256/warm" // #nosec G101 -- the name of a benchmark
	copyValue  = "limit/copy+value"
	copyShared = "limit/copy+value/parallel"
)

// The ratio to the fastest peer and the loopback's are given as their inverse,
// so that less is better everywhere.
var bars = []bar{
	{warmBearer, parseHS256, 0.08, true, 2},
	{"gate/cookie/HS256/warm", parseHS256, 0.12, true, 4},
	{"gate/bearer/EdDSA/warm", parseEdDSA, 0.012, true, 2},
	{"gate/bearer/HS256/cold", parseHS256, 1.0, false, 0},
	{"gate/bearer/HS256/first", parseHS256, 1.0, false, 0},
	{"gate/bearer/ES256/cold", "limit/verify/ES256", 1.3, false, 0},
	{"gate/bearer/EdDSA/cold", "limit/verify/EdDSA", 1.3, false, 0},
	{warmBearer, "peer/echo-jwt", 1.0 / 14, true, 2},
	{"gate/ungated", copyValue, 1.3, true, 2},
	{"read/garbage", parseHS256, 0.1, false, 0},
	{"policy/all-of-three", parseHS256, 0.02, true, 0},
	{"gate/bearer/HS256/warm/parallel", copyShared, 2.0, true, 2},
	{"loopback/gated", "loopback/bare", 1 / 0.95, false, 0},
	{"loopback/gated/cpu", "loopback/bare/cpu", 1 / 0.95, false, 0},
}

func (b bar) String() string { return b.of + " ÷ " + b.than }

func (b bar) limit() string {
	if b.counted {
		return fmt.Sprintf("%.3f, %d allocations", b.ratio, b.allocs)
	}
	return fmt.Sprintf("%.3f", b.ratio)
}
