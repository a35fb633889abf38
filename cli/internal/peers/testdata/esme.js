// An SMPP client that nobody here wrote, driven from a Go test: node-smpp does the
// protocol, this file only turns lines of JSON on stdin into requests and what
// arrives into lines of JSON on stdout.
//
//   in   {"do":"submit","to":"8613800000001","text":"hello","at":"000000010000000R"}  at is a time, or nothing
//        {"do":"data","to":...,"text":...} {"do":"ussd","to":...,"text":...,"op":2,"session":"0704"}
//        {"do":"multi","all":["8613800000001",...],"text":...}
//        {"do":"query","id":"1"} {"do":"replace","id":"1","text":...,"at":...} {"do":"cancel","id":"1","to":...}
//        {"do":"unbind"}
//   out  {"event":"loaded"} {"event":"bound"} {"event":"submitted","id":"1","failed":{"999":11}} {"event":"receipt",...}
//        {"event":"message",...} {"event":"queried","state":1,"final":...} {"event":"replaced"} {"event":"cancelled"}
//        {"event":"refused","status":11} {"event":"unbound"} {"event":"closed"} {"event":"error",...}
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
  session.on('deliver_sm', (pdu) => deliver(session, pdu, pdu.short_message.message));
  session.on('data_sm', (pdu) => deliver(session, pdu, pdu.message_payload.message));
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
  // Left to itself it says 1 (IA5, SMPP 3.4 5.2.19) for what it encodes as GSM 03.38.
  const coding = order.text && smpp.encodings.detect(order.text) === 'UCS2' ? 8 : 0;
  const from = { source_addr_ton: 1, source_addr_npi: 1, source_addr: config.number };
  const to = { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: order.to };
  const at = { schedule_delivery_time: order.at || '' };
  const text = { data_coding: coding, short_message: order.text, registered_delivery: 1 };
  const ask = (operation, fields, then) => session[operation](fields, (pdu) =>
    pdu.command_status === 0 ? then(pdu) : tell('refused', { status: pdu.command_status, to: order.to, text: order.text }));
  const submitted = (pdu) => tell('submitted', { id: pdu.message_id, failed: failed(pdu.unsuccess_sme) });
  switch (order.do) {
    case 'submit':
      return ask('submit_sm', { ...from, ...to, ...at, ...text }, submitted);
    case 'data':
      return ask('data_sm', { ...from, ...to, data_coding: coding, message_payload: order.text, registered_delivery: 1 }, submitted);
    case 'ussd':
      return ask('submit_sm', {
        ...from, ...to, ...text, service_type: 'USSD', registered_delivery: 0,
        ussd_service_op: order.op, its_session_info: Buffer.from(order.session, 'hex'),
      }, submitted);
    case 'multi':
      return ask('submit_multi', {
        ...from, ...text, dest_address: order.all.map((digits) => ({ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: digits })),
      }, submitted);
    case 'query':
      return ask('query_sm', { ...from, message_id: order.id }, (pdu) => tell('queried', { state: pdu.message_state, final: String(pdu.final_date || '') }));
    case 'replace':
      return ask('replace_sm', { ...from, ...at, message_id: order.id, registered_delivery: 1, short_message: order.text }, () => tell('replaced'));
    case 'cancel':
      return ask('cancel_sm', { ...from, ...to, message_id: order.id }, () => tell('cancelled'));
    case 'unbind':
      return session.unbind((pdu) => { tell('unbound', { status: pdu.command_status }); session.close(); });
    default:
      return tell('error', { text: 'no such order: ' + order.do });
  }
}

// failed is the destinations of a submit_multi that are refused.
function failed(unsuccessful) {
  return Object.fromEntries((unsuccessful || []).map((u) => [u.destination_addr, u.error_status_code]));
}

// deliver acknowledges, and tells receipts (esm_class message type 0001) from messages.
function deliver(session, pdu, body) {
  session.send(pdu.response());
  const text = Buffer.isBuffer(body) ? body.toString('latin1') : body;
  const what = { from: pdu.source_addr, to: pdu.destination_addr, text, coding: pdu.data_coding, service: pdu.service_type };
  if (pdu.its_session_info) {
    what.op = pdu.ussd_service_op;
    what.session = pdu.its_session_info.toString('hex');
  }
  if ((pdu.esm_class & 0x3c) === 0x04) {
    const field = (name) => (new RegExp(name + ':(\\S*)').exec(text) || [])[1];
    tell('receipt', { ...what, id: field('id'), stat: field('stat') });
  } else {
    tell('message', what);
  }
}
