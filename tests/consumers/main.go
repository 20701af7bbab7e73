// Reads files as those who take them from tailmint do, each with its own parser, and
// prints what it found as JSON on standard output.
//
//	consumers docker FILE      the variables of docker run --env-file
//	consumers compose FILE     the variables of an env_file of docker compose
//	consumers talos FILE       a Talos machine configuration, as a node loads it: the
//	                           variables of its tailscale extension
//	consumers kubernetes FILE  the strings of a Secret, read strictly: no member that the
//	                           type does not have
//	consumers pod FILE         a Pod, read strictly: where its variables are from
//	consumers project FILE     a compose file, as docker compose up loads it: the
//	                           environment and the secrets of its service tailscale
//	consumers yaml FILE        any YAML
//	consumers terraform FILE   a configuration of Terraform: the attributes of its blocks,
//	                           where they refer to others as they are written
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/types/runtime/extensions"
	"github.com/siderolabs/talos/pkg/machinery/config/validation"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	found, err := read(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}

func read(consumer, path string) (any, error) {
	switch consumer {
	case "docker":
		return docker(path)
	case "compose":
		return dotenv.GetEnvFromFile(map[string]string{}, []string{path})
	case "talos":
		return talos(path)
	case "kubernetes":
		return kubernetes(path)
	case "pod":
		return pod(path)
	case "project":
		return project(path)
	case "yaml":
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var found any
		err = yaml.Unmarshal(text, &found)
		return found, err
	case "terraform":
		return terraform(path)
	}
	return nil, fmt.Errorf("unknown consumer %q", consumer)
}

func docker(path string) (map[string]string, error) {
	lines, err := kvfile.Parse(path, nil)
	if err != nil {
		return nil, err
	}
	return split(lines)
}

func talos(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	provider, err := configloader.NewFromBytes(text)
	if err != nil {
		return nil, err
	}
	for _, document := range provider.Documents() {
		service, ok := document.(*extensions.ServiceConfigV1Alpha1)
		if !ok || service.Name() != "tailscale" {
			continue
		}
		if _, err := service.Validate(mode{}, validation.WithStrict()); err != nil {
			return nil, err
		}
		return split(service.Environment())
	}
	return nil, errors.New("no document is for the extension tailscale")
}

// A node of metal, such as a Proxmox guest.
type mode struct{}

func (mode) String() string        { return "metal" }
func (mode) RequiresInstall() bool { return true }
func (mode) InContainer() bool     { return false }

func kubernetes(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var secret corev1.Secret
	if err := yaml.UnmarshalStrict(text, &secret); err != nil {
		return nil, err
	}
	if secret.APIVersion != "v1" || secret.Kind != "Secret" || secret.Type != corev1.SecretTypeOpaque {
		return nil, fmt.Errorf("a %s %s of the type %s", secret.APIVersion, secret.Kind, secret.Type)
	}
	if secret.Name != "tailscale-auth" {
		return nil, fmt.Errorf("it is named %q", secret.Name)
	}
	if len(secret.Data) != 0 {
		return nil, errors.New("it has data besides stringData")
	}
	return secret.StringData, nil
}

func project(path string) (any, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithOsEnv, cli.WithName("recipe"))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	service, err := project.GetService("tailscale")
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	for _, secret := range service.Secrets {
		target := secret.Target
		if target == "" {
			target = secret.Source
		}
		secrets[target] = project.Secrets[secret.Source].Content
	}
	return map[string]any{"environment": service.Environment, "secrets": secrets}, nil
}

func pod(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(text, &pod); err != nil {
		return nil, err
	}
	from := map[string]string{}
	for _, container := range pod.Spec.Containers {
		for _, variable := range container.Env {
			key := variable.ValueFrom.SecretKeyRef
			from[variable.Name] = key.Name + "/" + key.Key
		}
	}
	return from, nil
}

func terraform(path string) (map[string]any, error) {
	file, diagnostics := hclparse.NewParser().ParseHCLFile(path)
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, errors.New("it is not in the native syntax")
	}
	found := map[string]any{}
	for _, block := range body.Blocks {
		members := map[string]any{}
		for name, attribute := range block.Body.Attributes {
			if len(attribute.Expr.Variables()) > 0 {
				members[name] = string(attribute.Expr.Range().SliceBytes(file.Bytes))
				continue
			}
			value, diagnostics := attribute.Expr.Value(nil)
			if diagnostics.HasErrors() {
				return nil, diagnostics
			}
			members[name] = ctyjson.SimpleJSONValue{Value: value}
		}
		found[strings.Join(append([]string{block.Type}, block.Labels...), ".")] = members
	}
	return found, nil
}

func split(lines []string) (map[string]string, error) {
	variables := map[string]string{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, "=")
		if !found {
			return nil, fmt.Errorf("no value: %d bytes", len(line))
		}
		variables[name] = value
	}
	return variables, nil
}
