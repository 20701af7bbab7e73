package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

const domain = "tailnet.invalid"

// A tailnet has nodes, and tells each of them about the others.
type tailnet struct {
	url     string
	private key.MachinePrivate
	relays  *tailcfg.DERPMap
	judge   *judge
	grace   time.Duration
	mu      sync.Mutex
	nodes   []*node
	joined  int           // how many ever were, which names the next one
	news    chan struct{} // closed, and replaced, when a node changes
}

// A node is a machine that joined.
type node struct {
	tailcfg.Node
	grant   *grant
	streams int // it is online while there are any
}

func newTailnet(url string, judge *judge, grace time.Duration) *tailnet {
	return &tailnet{
		url:     url,
		private: key.NewMachine(),
		relays:  startRelays(),
		judge:   judge,
		grace:   grace,
		news:    make(chan struct{}),
	}
}

// The methods below want t.mu to be held.

func (t *tailnet) find(is func(*node) bool) *node {
	for _, n := range t.nodes {
		if is(n) {
			return n
		}
	}
	return nil
}

func (t *tailnet) tell() {
	close(t.news)
	t.news = make(chan struct{})
}

func (t *tailnet) add(machine key.MachinePublic, host string) *node {
	t.joined++
	v4 := netip.AddrFrom4([4]byte{100, 64, byte(t.joined >> 8), byte(t.joined)})
	addresses := []netip.Prefix{
		netip.PrefixFrom(v4, v4.BitLen()),
		netip.PrefixFrom(tsaddr.Tailscale4To6(v4), 128),
	}
	name := host
	for i := 1; t.find(func(n *node) bool { return n.ComputedName == name }) != nil; i++ {
		name = fmt.Sprintf("%s-%d", host, i)
	}
	n := &node{Node: tailcfg.Node{
		ID:           tailcfg.NodeID(t.joined),
		StableID:     tailcfg.StableNodeID(fmt.Sprintf("n%dCNTRL", t.joined)),
		User:         taggedDevices,
		Machine:      machine,
		Name:         name + "." + domain + ".",
		ComputedName: name,
		Addresses:    addresses,
		AllowedIPs:   addresses,
		Created:      time.Now(),
		CapMap: tailcfg.NodeCapMap{
			// What the policy of a tailnet grants where its nodes may be servers of ssh.
			tailcfg.CapabilitySSH:                         nil,
			tailcfg.NodeAttrDisableUPnP:                   nil,
			tailcfg.NodeAttrDisableCaptivePortalDetection: nil,
		},
	}}
	t.nodes = append(t.nodes, n)
	return n
}

func (t *tailnet) remove(gone *node) {
	t.nodes = slices.DeleteFunc(t.nodes, func(n *node) bool { return n == gone })
	log.Printf("%s is removed", gone.ComputedName)
	t.tell()
}

// removeIfOffline removes an ephemeral node that is offline after the grace.
func (t *tailnet) removeIfOffline(n *node) {
	if !n.grant.Ephemeral {
		return
	}
	time.AfterFunc(t.grace, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if n.streams == 0 && slices.Contains(t.nodes, n) {
			t.remove(n)
		}
	})
}

// adminHandler serves GET /nodes and DELETE /nodes/NAME, which removes a node as an
// administrator does.
func (t *tailnet) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /nodes", func(w http.ResponseWriter, r *http.Request) {
		type view struct {
			Name      string   `json:"name"`
			Tags      []string `json:"tags"`
			Key       string   `json:"key"`
			Ephemeral bool     `json:"ephemeral"`
			Online    bool     `json:"online"`
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		views := []view{}
		for _, n := range t.nodes {
			views = append(views, view{
				Name:      n.ComputedName,
				Tags:      n.Tags,
				Key:       n.grant.ID,
				Ephemeral: n.grant.Ephemeral,
				Online:    n.streams > 0,
			})
		}
		json.NewEncoder(w).Encode(views)
	})
	mux.HandleFunc("DELETE /nodes/{name}", func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		gone := t.find(func(n *node) bool { return n.ComputedName == r.PathValue("name") })
		if gone == nil {
			http.Error(w, "no such node", http.StatusNotFound)
			return
		}
		t.remove(gone)
	})
	return mux
}
