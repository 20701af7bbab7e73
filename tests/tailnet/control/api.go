package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

// apiProxy hands requests to the API simulator at the URL, whose certificate the authority in
// the file signed: the real control server serves the API too, and a client that was given a
// control server exchanges its identity token there.
func apiProxy(api, authority string) (http.Handler, error) {
	base, err := url.Parse(api)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New(authority + " has no certificate")
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(base) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}, nil
}
