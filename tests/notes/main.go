// Verifies checkpoints of an audit log with the package that the checksum database of Go is
// verified with, and prints what it found as JSON on standard output.
//
//	notes open KEY NOTE            the text of a signed note
//	notes compare KEY NOTE FILE... whether the lines of these files, one after the other,
//	                               are those that the checkpoint was signed for
//	notes extend KEY OLD NEW FILE...
//	                               the same for two checkpoints, and a proof between their
//	                               roots that the newer one extends the older one
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	found, err := run(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}

func run(command, key string, files []string) (any, error) {
	switch command {
	case "open":
		return open(key, files[0])
	case "compare":
		log, err := read(files[1:])
		if err != nil {
			return nil, err
		}
		return log.compare(key, files[0])
	case "extend":
		log, err := read(files[2:])
		if err != nil {
			return nil, err
		}
		return log.extend(key, files[0], files[1])
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func open(key, path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

// A checkpoint of c2sp.org/tlog-checkpoint.
func checkpoint(key, path string) (tlog.Tree, error) {
	text, err := open(key, path)
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("%d lines", len(lines))
	}
	if lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("the origin is not the name of the key")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("a root of %d bytes", len(root))
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// The tree over the lines of a log.
type tree struct {
	stored []tlog.Hash
	lines  int64
}

func read(paths []string) (*tree, error) {
	log := &tree{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			hashes, err := tlog.StoredHashes(log.lines, line, log)
			if err != nil {
				return nil, err
			}
			log.stored = append(log.stored, hashes...)
			log.lines++
		}
	}
	return log, nil
}

func (log *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = log.stored[index]
	}
	return hashes, nil
}

func (log *tree) compare(key, path string) (int64, error) {
	signed, err := checkpoint(key, path)
	if err != nil {
		return 0, err
	}
	if signed.N > log.lines {
		return 0, fmt.Errorf("cut: %d lines of %d", log.lines, signed.N)
	}
	root, err := tlog.TreeHash(signed.N, log)
	if err != nil {
		return 0, err
	}
	if root != signed.Hash {
		return 0, errors.New("changed: the root is another")
	}
	return signed.N, nil
}

func (log *tree) extend(key, older, newer string) (int64, error) {
	for _, path := range []string{older, newer} {
		if _, err := log.compare(key, path); err != nil {
			return 0, err
		}
	}
	old, err := checkpoint(key, older)
	if err != nil {
		return 0, err
	}
	next, err := checkpoint(key, newer)
	if err != nil {
		return 0, err
	}
	proof, err := tlog.ProveTree(next.N, old.N, log)
	if err != nil {
		return 0, err
	}
	return next.N - old.N, tlog.CheckTree(proof, next.N, next.Hash, old.N, old.Hash)
}
