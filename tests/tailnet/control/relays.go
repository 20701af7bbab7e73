package main

import (
	"context"
	"log"
	"net"
	"net/http/httptest"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// startRelays starts a DERP relay and a STUN server on loopback, and describes
// them as the only region that there is.
func startRelays() *tailcfg.DERPMap {
	relay := httptest.NewTLSServer(derpserver.Handler(derpserver.New(key.NewNode(), logger.Discard)))
	stun := stunserver.New(context.Background())
	if err := stun.Listen("127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	go stun.Serve()
	only := &tailcfg.DERPNode{
		Name:             "1",
		RegionID:         1,
		HostName:         "127.0.0.1",
		IPv4:             "127.0.0.1",
		IPv6:             "none",
		DERPPort:         relay.Listener.Addr().(*net.TCPAddr).Port,
		STUNPort:         stun.LocalAddr().(*net.UDPAddr).Port,
		InsecureForTests: true, // its certificate is its own
	}
	region := &tailcfg.DERPRegion{
		RegionID:   1,
		RegionCode: "loopback",
		RegionName: "loopback",
		Nodes:      []*tailcfg.DERPNode{only},
	}
	return &tailcfg.DERPMap{
		OmitDefaultRegions: true,
		Regions:            map[int]*tailcfg.DERPRegion{1: region},
	}
}
