package app

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform/signature"
)

// keyPair is a pair that is to be made, and where its halves go.
type keyPair struct{ algorithm, private, public string }

func keysPair() command {
	var p keyPair
	return command{
		name: "pair", short: "make a key pair for a merchant that signs; no vault is needed",
		about: "The private half is the merchant's, and goes nowhere else. The office is told the public half: airtill office add-merchant, rotate-key. " +
			"ed25519, rsa-pss and ecdsa are for profile modern, rsa-md5 is for profile legacy. " +
			"What openssl genpkey makes is as good. The key's id is printed: its thumbprint (RFC 7638).",
		examples: []string{
			"airtill keys pair --write-private tea.pem --write-public tea.pub",
			"airtill keys pair --algorithm rsa-md5 --write-private old.pem --write-public old.pub",
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "algorithm", Usage: "it signs by `NAME`: ed25519, rsa-pss, ecdsa or rsa-md5", Value: "ed25519", Destination: &p.algorithm},
			&cli.StringFlag{Name: "write-private", Usage: "write the private key to a new `FILE`, PEM", Destination: &p.private},
			&cli.StringFlag{Name: "write-public", Usage: "write the public key to a new `FILE`, PEM", Destination: &p.public},
		},
		required: []string{"write-private", "write-public"},
		run:      p.run,
	}
}

// madePair is what is told of a pair.
type madePair struct {
	KeyID       string              `json:"key_id"`
	Algorithm   signature.Algorithm `json:"algorithm"`
	PrivateFile string              `json:"private_file"`
	PublicFile  string              `json:"public_file"`
}

func (p *keyPair) run(_ context.Context, c *call) error {
	algorithm, err := pairAlgorithm(p.algorithm)
	if err != nil {
		return err
	}
	files, err := newFiles(p.private, p.public)
	if err != nil {
		return err
	}
	key, err := signature.GenerateKey(algorithm)
	if err == nil {
		err = writePair(files, key)
	}
	if err != nil {
		return errors.Join(err, files.drop())
	}
	return c.out.line(madePair{key.ID(), algorithm, p.private, p.public}, key.ID())
}

func writePair(files fileSet, key signature.SigningKey) error {
	private, err := key.PEM()
	if err != nil {
		return err
	}
	public, err := key.Verification().PEM()
	if err != nil {
		return err
	}
	return files.keep(string(private), string(public))
}

// pairAlgorithm reads the name of an algorithm: in short, or as RFC 9421 has it.
func pairAlgorithm(name string) (signature.Algorithm, error) {
	switch name {
	case string(signature.Ed25519):
		return signature.Ed25519, nil
	case "rsa-pss", string(signature.RSAPSS):
		return signature.RSAPSS, nil
	case "ecdsa", string(signature.ECDSA):
		return signature.ECDSA, nil
	case "rsa-md5", string(signature.RSAMD5):
		return signature.RSAMD5, nil
	}
	return "", usagef("--algorithm %q is none of ed25519, rsa-pss, ecdsa, rsa-md5", name)
}
