package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/decode"
)

// maxDecode bounds what is decoded at once.
const maxDecode = 16 << 20

// decoding is what was said of the octets to explain.
type decoding struct {
	as, file, keys, element string
	plugin                  bool
	vault                   vaultAt
}

func decodeCommand() command {
	var d decoding
	return command{
		name: "decode", short: "explain a PDU, a TPDU, a secured packet or a message, field by field", section: "Offline",
		args: "[HEX...]",
		about: `HEX may have spaces, colons, 0x, newlines, or be a hex dump with offsets; blank lines part one
input from the next, and the parts of a concatenated message are joined when all are there.
What it is shows by itself: SMPP PDUs in a row, an SMS-DELIVER or SMS-SUBMIT, user data with
its header, a secured packet, an applet message. Secrets show as a mask. Nothing is sent.

A key file is its owner's alone (chmod 600) and says {"suite":"modern","kic":"HEX","kid":"HEX"}.
With --element it is a vault file, as --vault is, and all keys of that element are tried.

The status is 1 when octets are not as their standard says, or keys do not open a packet.`,
		examples: []string{
			"airtill decode 00000010000000150000000000000001",
			"airtill decode --as userdata '02 70 00 00 0e 0d 00 00 00 00 b0 00 01 00 00 00 00 01 00'",
			"airtill decode --file dump.txt --json",
			"airtill decode --keys packet-keys.json --file packet.hex",
			"airtill decode --element 89860012345678901234 --file packet.hex",
			"airtill decode --tshark-plugin > airtill.lua && tshark -X lua_script:airtill.lua -d tcp.port==2775,smpp -r capture.pcapng -O scp80",
		},
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "take it for a `KIND`: pdu, tpdu, userdata, packet, message", DefaultText: "what it looks like", Destination: &d.as},
			&cli.StringFlag{Name: "file", Usage: "read HEX from `FILE`, - for stdin", Destination: &d.file},
			&cli.StringFlag{Name: "keys", Usage: "open packets with the keys in `FILE`", Destination: &d.keys},
			&cli.StringFlag{Name: "element", Usage: "open packets with the vault's keys of the secure element with this `NUMBER`", Destination: &d.element},
			&cli.BoolFlag{Name: "tshark-plugin", Usage: "print a dissector of secured packets for tshark and Wireshark", Destination: &d.plugin},
		}, d.vault.flags("")...),
		run: d.run,
	}
}

func (d *decoding) run(ctx context.Context, c *call) error {
	if d.plugin {
		if len(c.args) > 0 || d.file != "" {
			return usagef("--tshark-plugin goes without HEX and --file")
		}
		return write(c.env.Stdout, decode.TsharkPlugin)
	}
	kind, err := d.kind()
	if err != nil {
		return err
	}
	text, err := d.text(c)
	if err != nil {
		return err
	}
	keys, err := d.keyring(ctx, c)
	if err != nil {
		return err
	}
	var explained explained
	for _, octets := range text.Units(kind) {
		explained.Inputs = append(explained.Inputs, decode.Explain(octets, kind, keys))
	}
	if len(explained.Inputs) == 0 {
		return usagef("no octets: give HEX, or --file FILE")
	}
	explained.Joined = decode.Join(explained.Inputs, keys)
	if err := explained.print(c.out); err != nil {
		return err
	}
	return explained.wrong()
}

func (d *decoding) kind() (decode.Kind, error) {
	if d.as == "" {
		return 0, nil
	}
	kind, err := decode.ParseKind(d.as)
	if err != nil {
		return 0, usagef("--as %q: %w", d.as, err)
	}
	return kind, nil
}

// text is the hexadecimal given: each argument is a line of it.
func (d *decoding) text(c *call) (decode.Text, error) {
	said := strings.Join(c.args, "\n")
	switch {
	case d.file != "" && said != "":
		return nil, usagef("give HEX or --file, not both")
	case d.file == "" && said == "":
		return nil, usagef("no octets: give HEX, or --file FILE, or --file - for stdin")
	case d.file != "":
		b, err := d.read(c)
		if err != nil {
			return nil, err
		}
		said = string(b)
	}
	text, err := decode.ReadHex(said)
	if wrong, ok := errors.AsType[*decode.HexError](err); ok {
		if d.file == "" {
			return nil, usagef("not hexadecimal: %s", wrong.Why)
		}
		return nil, usagef("--file %s: not hexadecimal: %w", d.file, wrong)
	}
	return text, err
}

func (d *decoding) read(c *call) ([]byte, error) {
	in := c.env.Stdin
	if d.file != "-" {
		f, err := os.Open(d.file)
		if err != nil {
			return nil, fmt.Errorf("read the octets: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxDecode+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the octets: %w", err)
	case len(b) > maxDecode:
		return nil, fmt.Errorf("read the octets: over %d MiB of text", maxDecode>>20)
	}
	return b, nil
}
