package main

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/util/zstdframe"
)

// keepAlive is well under the two minutes after which a client gives a stream up.
const keepAlive = 50 * time.Second

// serveMap takes a node's news of itself, or streams it the news of the others.
func (t *tailnet) serveMap(w http.ResponseWriter, r *http.Request, machine key.MachinePublic, request *tailcfg.MapRequest) {
	t.mu.Lock()
	n := t.find(func(n *node) bool { return n.Machine == machine && n.Key == request.NodeKey })
	if n == nil {
		t.mu.Unlock()
		http.Error(w, "there is no such node", http.StatusNotFound)
		return
	}
	if !request.Stream {
		n.update(request)
		t.tell()
		t.mu.Unlock()
		return
	}
	n.streams++
	t.tell()
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		n.streams--
		t.tell()
		t.removeIfOffline(n)
	}()
	stream := stream{w: w, compressed: request.Compress == "zstd"}
	var known []tailcfg.NodeID
	for first := true; ; first = false {
		message, peers, news := t.look(n, known)
		known = peers
		if first {
			message.Peers, message.PeersChanged = message.PeersChanged, nil
			message.DERPMap = t.relays
			message.UserProfiles = []tailcfg.UserProfile{{ID: taggedDevices, LoginName: "tagged-devices"}}
		}
		if stream.send(message) != nil || message.Node.Expired || !stream.wait(r, news) {
			return
		}
	}
}

// look gives the network as the node sees it, the peers in it, and what is closed
// when that changes. Peers that it knew and that are gone are named.
func (t *tailnet) look(n *node, known []tailcfg.NodeID) (*tailcfg.MapResponse, []tailcfg.NodeID, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	message := &tailcfg.MapResponse{
		Node:         n.Node.Clone(),
		Domain:       domain,
		PacketFilter: tailcfg.FilterAllowAll,
	}
	if !slices.Contains(t.nodes, n) {
		// That is how a node learns that it was removed: its login is over.
		message.Node.Expired, message.Node.KeyExpiry = true, time.Now().Add(-time.Hour)
	}
	var peers []tailcfg.NodeID
	for _, other := range t.nodes {
		if other == n {
			continue
		}
		peer := other.Node.Clone()
		peer.Online = new(other.streams > 0)
		message.PeersChanged = append(message.PeersChanged, peer)
		peers = append(peers, peer.ID)
	}
	for _, id := range known {
		if !slices.Contains(peers, id) {
			message.PeersRemoved = append(message.PeersRemoved, id)
		}
	}
	return message, peers, t.news
}

// update wants the tailnet's mu to be held.
func (n *node) update(request *tailcfg.MapRequest) {
	n.Endpoints, n.DiscoKey = request.Endpoints, request.DiscoKey
	if request.Hostinfo == nil {
		return
	}
	n.Hostinfo = request.Hostinfo.View()
	if info := request.Hostinfo.NetInfo; info != nil && info.PreferredDERP != 0 {
		n.HomeDERP = info.PreferredDERP
	}
}

// A stream writes map messages to a client.
type stream struct {
	w          http.ResponseWriter
	compressed bool
}

// send writes one message: its length in four bytes, little end first, and itself.
func (s stream) send(message *tailcfg.MapResponse) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if s.compressed {
		body = zstdframe.AppendEncode(nil, body, zstdframe.FastestCompression)
	}
	frame := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	if _, err := s.w.Write(append(frame, body...)); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// wait keeps the stream alive until there are news; false if the client left.
func (s stream) wait(r *http.Request, news <-chan struct{}) bool {
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-news:
			return true
		case <-time.After(keepAlive):
			if s.send(&tailcfg.MapResponse{KeepAlive: true}) != nil {
				return false
			}
		}
	}
}
