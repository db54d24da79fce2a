package sandbox

import (
	"slices"
	"strings"
)

// The channel keys of the sandbox's PortOne V2 store, one channel for each
// gateway. Danal has no test channels, as with the vendor; through the others
// anybody is verified as anybody, and the record says TEST.
const (
	ChannelKeyDanal      = "channel-key-sandbox-danal"
	ChannelKeyInicis     = "channel-key-sandbox-inicis-unified"
	ChannelKeyKCP        = "channel-key-sandbox-kcp"
	ChannelKeyInicisTest = "channel-key-sandbox-inicis-unified-test"
	ChannelKeyKCPTest    = "channel-key-sandbox-kcp-test"
)

// channel is one connection of the store with a gateway.
type channel struct {
	key        string
	provider   string // by the name of V1: V2's is the same in capitals
	merchantID string // at the gateway
	test       bool
}

func channels() []channel {
	return []channel{
		{key: ChannelKeyDanal, provider: Danal, merchantID: "A010000000"},
		{key: ChannelKeyInicis, provider: InicisUnified, merchantID: inicisMID},
		{key: ChannelKeyKCP, provider: KCP, merchantID: "SANDBX"},
		{key: ChannelKeyInicisTest, provider: InicisUnified, merchantID: inicisTestMID, test: true},
		{key: ChannelKeyKCPTest, provider: KCP, merchantID: "AO6R1", test: true},
	}
}

func channelByKey(key string) (channel, bool) {
	all := channels()
	i := slices.IndexFunc(all, func(c channel) bool { return c.key == key })
	if i < 0 {
		return channel{}, false
	}
	return all[i], true
}

func channelOf(provider string, test bool) channel {
	all := channels()
	i := slices.IndexFunc(all, func(c channel) bool { return c.provider == provider && c.test == test })
	if i < 0 { // danal has no test channel
		return channelOf(provider, false)
	}
	return all[i]
}

// nearest is the channel if the person can be met through it, and one of their
// own if not.
func (c channel) nearest(p Person) channel {
	return channelOf(p.nearest(c.provider), c.test || p.testMID)
}

// pgProvider is the gateway as V2 names it.
func (c channel) pgProvider() string { return strings.ToUpper(c.provider) }

// company is the gateway's house (PgCompany), by which lists are filtered.
func (c channel) company() string {
	name, _, _ := strings.Cut(c.pgProvider(), "_")
	return name
}

func (c channel) kind() string {
	if c.test {
		return "TEST"
	}
	return "LIVE"
}

// object is the vendor's SelectedChannel.
func (c channel) object() map[string]any {
	return map[string]any{
		"type": c.kind(), "id": strings.Replace(c.key, "-key-", "-id-", 1), "key": c.key, "name": "sandbox " + c.provider,
		"pgProvider": c.pgProvider(), "pgMerchantId": c.merchantID,
	}
}
