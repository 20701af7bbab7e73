// Control is a tailnet on the loopback interface: a control server that real
// tailscaled daemons join with auth keys, and the DERP relay and STUN server that
// they want. All of it is in memory, and every node sees every other.
//
// Which keys let a node in is not decided here: each is put before the API
// simulator, where keys live. Requests for the API go there as well.
//
// It prints one line of JSON when it listens, {"control","admin"}, and ends when
// its standard input does. GET /nodes of the admin address lists the nodes.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(log.Lmicroseconds)
	register := flag.String("register", "", "`URL` of the API simulator that judges keys")
	api := flag.String("api", "", "`URL` of its API, which is served here too")
	authority := flag.String("api-ca", "", "`file` with the authority that the API's certificate is of")
	grace := flag.Duration("ephemeral-grace", 5*time.Second, "how long an ephemeral node may be offline")
	flag.Parse()
	if *register == "" {
		log.Fatal("--register is missing")
	}
	proxy, err := apiProxy(*api, *authority)
	if err != nil {
		log.Fatal(err)
	}
	control, admin := listen(), listen()
	net := newTailnet("http://"+control.Addr().String(), &judge{url: *register}, *grace)
	go serve(control, net.controlHandler(proxy))
	go serve(admin, net.adminHandler())
	ready := map[string]string{"control": net.url, "admin": "http://" + admin.Addr().String()}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, os.Stdin)
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func serve(listener net.Listener, handler http.Handler) {
	log.Fatal(http.Serve(listener, handler))
}
