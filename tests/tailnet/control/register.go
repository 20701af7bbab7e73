package main

import (
	"log"
	"slices"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// taggedDevices is the user that tagged nodes belong to.
const taggedDevices tailcfg.UserID = 1

// register lets a machine in, lets it back in, logs it out, or refuses it. A
// refusal is an answer with Error set: to an HTTP error clients try again.
func (t *tailnet) register(machine key.MachinePublic, request *tailcfg.RegisterRequest) tailcfg.RegisterResponse {
	t.mu.Lock()
	defer t.mu.Unlock()
	host := request.Hostinfo.Hostname
	n := t.find(func(n *node) bool { return n.Machine == machine })
	known := n != nil && n.Key == request.NodeKey
	switch {
	case !request.Expiry.IsZero() && request.Expiry.Before(time.Now()):
		if known {
			t.logOut(n)
		}
		return tailcfg.RegisterResponse{NodeKeyExpired: true}
	case known && n.KeyExpiry.IsZero():
		// It is back, and needs no key.
		return admitted(n)
	case request.Auth == nil || request.Auth.AuthKey == "":
		log.Printf("%s has no key", host)
		return tailcfg.RegisterResponse{AuthURL: t.url + "/login"}
	}
	grant, refusal := t.judge.judge(request.Auth.AuthKey)
	if refusal != "" {
		log.Printf("%s is refused: %s", host, refusal)
		return tailcfg.RegisterResponse{Error: refusal}
	}
	if n == nil {
		n = t.add(machine, host)
	}
	n.Key, n.KeyExpiry = request.NodeKey, time.Time{}
	n.Cap, n.Hostinfo = request.Version, request.Hostinfo.View()
	n.grant, n.Tags = grant, slices.Clone(grant.Tags)
	n.MachineAuthorized = grant.Preauthorized
	log.Printf("%s joined with key %s and tags %v", n.ComputedName, grant.ID, n.Tags)
	t.tell()
	t.removeIfOffline(n)
	return admitted(n)
}

// logOut wants t.mu to be held.
func (t *tailnet) logOut(n *node) {
	if n.grant.Ephemeral {
		t.remove(n)
		return
	}
	n.KeyExpiry = time.Now().Add(-time.Minute)
	t.tell()
}

func admitted(n *node) tailcfg.RegisterResponse {
	return tailcfg.RegisterResponse{
		User:              tailcfg.User{ID: taggedDevices, DisplayName: "Tagged Devices"},
		Login:             tailcfg.Login{ID: tailcfg.LoginID(taggedDevices), LoginName: "tagged-devices"},
		MachineAuthorized: n.MachineAuthorized,
	}
}
