package smpp

// TLVs are a PDU's optional parameters, for tests that go over all commands.
func (p PDU) TLVs() TLVs {
	switch b := p.Body.(type) {
	case *SubmitSM:
		return b.TLVs
	case *DeliverSM:
		return b.TLVs
	case *SubmitSMResp:
		return b.TLVs
	case *BindReceiver:
		return b.TLVs
	case *BindTransmitter:
		return b.TLVs
	case *BindTransceiver:
		return b.TLVs
	case *DeliverSMResp:
		return b.TLVs
	case *SubmitMulti:
		return b.Message.TLVs
	case *SubmitMultiResp:
		return b.TLVs
	case *DataSM:
		return b.TLVs
	case *DataSMResp:
		return b.TLVs
	case *AlertNotification:
		return b.TLVs
	case *BindReceiverResp:
		return b.TLVs
	case *BindTransmitterResp:
		return b.TLVs
	case *BindTransceiverResp:
		return b.TLVs
	}
	return nil
}

// DecodeTLVs reads a stream of optional parameters.
func DecodeTLVs(b []byte) (TLVs, error) {
	ts, err := decodeTLVs(b)
	if err != nil {
		return nil, err
	}
	return ts, nil
}

// AppendTLVs writes optional parameters.
func AppendTLVs(dst []byte, ts TLVs) ([]byte, error) {
	e := encoder{b: dst}
	ts.append(&e)
	return e.b, e.err
}
