module tailmint.invalid/notes

go 1.26.6

require golang.org/x/mod v0.37.0
