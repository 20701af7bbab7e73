package main

import (
	"encoding/json"
	"log"
	"net/http"

	"golang.org/x/net/http2"
	"tailscale.com/control/controlhttp/controlhttpserver"
	"tailscale.com/tailcfg"
)

// controlHandler serves what a client asks before and with its Noise session, and the API.
func (t *tailnet) controlHandler(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", api)
	mux.HandleFunc("GET /key", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(tailcfg.OverTLSPublicKeyResponse{PublicKey: t.private.Public()})
	})
	mux.HandleFunc("POST /ts2021", t.noise)
	return mux
}

// noise serves HTTP/2 inside a Noise session, until the client leaves.
func (t *tailnet) noise(w http.ResponseWriter, r *http.Request) {
	session, err := controlhttpserver.AcceptHTTP(r.Context(), w, r, t.private, nil)
	if err != nil {
		log.Printf("no Noise session: %v", err)
		return
	}
	defer session.Close()
	// What a later client may ask beside these is answered 404, which clients take.
	mux := http.NewServeMux()
	mux.HandleFunc("POST /machine/register", func(w http.ResponseWriter, r *http.Request) {
		var request tailcfg.RegisterRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Hostinfo == nil {
			http.Error(w, "not a register request", http.StatusBadRequest)
			return
		}
		if request.Followup != "" {
			// It waits for someone to visit the login page. Nobody does.
			<-r.Context().Done()
			return
		}
		json.NewEncoder(w).Encode(t.register(session.Peer(), &request))
	})
	mux.HandleFunc("POST /machine/map", func(w http.ResponseWriter, r *http.Request) {
		var request tailcfg.MapRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, "not a map request", http.StatusBadRequest)
			return
		}
		t.serveMap(w, r, session.Peer(), &request)
	})
	server := &http2.Server{}
	server.ServeConn(session, &http2.ServeConnOpts{
		Context:    r.Context(),
		BaseConfig: &http.Server{Handler: mux},
	})
}
