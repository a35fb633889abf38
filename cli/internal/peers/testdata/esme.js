// An SMPP client that nobody here wrote, driven from a Go test: node-smpp does the
// protocol, this file only turns lines of JSON on stdin into requests and what
// arrives into lines of JSON on stdout.
//
//   in   {"do":"submit","to":"8613800000001","text":"hello"}   {"do":"unbind"}
//   out  {"event":"loaded"} {"event":"bound"} {"event":"submitted","id":"1"} {"event":"receipt",...}
//        {"event":"message",...} {"event":"refused","status":11} {"event":"unbound"} {"event":"closed"} {"event":"error",...}
'use strict';
const readline = require('readline');
const smpp = require('smpp');

const config = JSON.parse(process.argv[2]);
const tell = (event, more) => console.log(JSON.stringify({ event, ...more }));

tell('loaded', { text: 'node ' + process.version });
if (config.addr) {
  bind();
} else {
  process.exit(0);
}

function bind() {
  const session = smpp.connect({ url: 'smpp://' + config.addr });
  session.on('error', (e) => { tell('error', { text: String(e) }); process.exit(1); });
  session.on('close', () => { tell('closed'); process.exit(0); });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('deliver_sm', (pdu) => deliver(session, pdu));
  session.on('connect', () => {
    session.bind_transceiver(
      { system_id: config.system_id, password: config.password, interface_version: 0x34 },
      (pdu) => {
        if (pdu.command_status !== 0) {
          tell('refused', { status: pdu.command_status });
          session.close();
          return;
        }
        tell('bound', { from: pdu.system_id });
        readline.createInterface({ input: process.stdin })
          .on('line', (line) => obey(session, JSON.parse(line)))
          .on('close', () => session.close());
      });
  });
}

function obey(session, order) {
  switch (order.do) {
    case 'submit':
      session.submit_sm(
        {
          source_addr_ton: 1, source_addr_npi: 1, source_addr: config.number,
          dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: order.to,
          registered_delivery: 1, short_message: order.text,
          // Left to itself it says 1 (IA5, SMPP 3.4 5.2.19) for what it encodes as GSM 03.38.
          data_coding: smpp.encodings.detect(order.text) === 'UCS2' ? 8 : 0,
        },
        (pdu) => pdu.command_status === 0
          ? tell('submitted', { id: pdu.message_id, to: order.to, text: order.text })
          : tell('refused', { status: pdu.command_status, to: order.to, text: order.text }));
      break;
    case 'unbind':
      session.unbind((pdu) => { tell('unbound', { status: pdu.command_status }); session.close(); });
      break;
  }
}

// deliver acknowledges, and tells receipts (esm_class message type 0001) from messages.
function deliver(session, pdu) {
  session.send(pdu.response());
  const body = pdu.short_message.message;
  const text = Buffer.isBuffer(body) ? body.toString('latin1') : body;
  const what = { from: pdu.source_addr, to: pdu.destination_addr, text, coding: pdu.data_coding };
  if ((pdu.esm_class & 0x3c) === 0x04) {
    const field = (name) => (new RegExp(name + ':(\\S*)').exec(text) || [])[1];
    tell('receipt', { ...what, id: field('id'), stat: field('stat') });
  } else {
    tell('message', what);
  }
}
