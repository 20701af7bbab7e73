package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// A grant is what a key gives to the node that joins with it.
type grant struct {
	ID            string   `json:"id"`
	Tags          []string `json:"tags"`
	Ephemeral     bool     `json:"ephemeral"`
	Preauthorized bool     `json:"preauthorized"`
}

// A judge says which keys let a node in.
type judge struct {
	url string
}

// judge asks about a key, which uses it up where it is for one node only. The
// second result says why it lets no node in, in the words of the real server.
func (j *judge) judge(key string) (*grant, string) {
	question, err := json.Marshal(map[string]string{"key": key})
	if err != nil {
		return nil, err.Error()
	}
	answer, err := http.Post(j.url, "application/json", bytes.NewReader(question))
	if err != nil {
		return nil, fmt.Sprintf("the API cannot be asked: %v", err)
	}
	defer answer.Body.Close()
	var verdict struct {
		grant
		Error string `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&verdict); err != nil {
		return nil, fmt.Sprintf("the API makes no sense: %v", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, verdict.Error
	}
	return &verdict.grant, ""
}
