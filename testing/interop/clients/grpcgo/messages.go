package main

import (
	"context"

	"google.golang.org/grpc"
)

// The messages that our cases use, of crates/hijack-tonic/proto/test.proto. golang/protobuf reads the tags: nothing is generated.

type empty struct{}

type payload struct {
	Type int32  `protobuf:"varint,1,opt,name=type,proto3"`
	Body []byte `protobuf:"bytes,2,opt,name=body,proto3"`
}

type echoStatus struct {
	Code    int32  `protobuf:"varint,1,opt,name=code,proto3"`
	Message string `protobuf:"bytes,2,opt,name=message,proto3"`
}

type simpleRequest struct {
	ResponseSize   int32       `protobuf:"varint,2,opt,name=response_size,proto3"`
	Payload        *payload    `protobuf:"bytes,3,opt,name=payload,proto3"`
	ResponseStatus *echoStatus `protobuf:"bytes,7,opt,name=response_status,proto3"`
}

type simpleResponse struct {
	Payload *payload `protobuf:"bytes,1,opt,name=payload,proto3"`
}

type inputRequest struct {
	Payload *payload `protobuf:"bytes,1,opt,name=payload,proto3"`
}

type inputResponse struct {
	AggregatedPayloadSize int32 `protobuf:"varint,1,opt,name=aggregated_payload_size,proto3"`
}

type responseParameters struct {
	Size       int32 `protobuf:"varint,1,opt,name=size,proto3"`
	IntervalUs int32 `protobuf:"varint,2,opt,name=interval_us,proto3"`
}

type outputRequest struct {
	ResponseParameters []*responseParameters `protobuf:"bytes,2,rep,name=response_parameters,proto3"`
	Payload            *payload              `protobuf:"bytes,3,opt,name=payload,proto3"`
	ResponseStatus     *echoStatus           `protobuf:"bytes,7,opt,name=response_status,proto3"`
}

type outputResponse struct {
	Payload *payload `protobuf:"bytes,1,opt,name=payload,proto3"`
}

func (m *empty) Reset()              { *m = empty{} }
func (m *payload) Reset()            { *m = payload{} }
func (m *echoStatus) Reset()         { *m = echoStatus{} }
func (m *simpleRequest) Reset()      { *m = simpleRequest{} }
func (m *simpleResponse) Reset()     { *m = simpleResponse{} }
func (m *inputRequest) Reset()       { *m = inputRequest{} }
func (m *inputResponse) Reset()      { *m = inputResponse{} }
func (m *responseParameters) Reset() { *m = responseParameters{} }
func (m *outputRequest) Reset()      { *m = outputRequest{} }
func (m *outputResponse) Reset()     { *m = outputResponse{} }

func (*empty) String() string              { return "Empty" }
func (*payload) String() string            { return "Payload" }
func (*echoStatus) String() string         { return "EchoStatus" }
func (*simpleRequest) String() string      { return "SimpleRequest" }
func (*simpleResponse) String() string     { return "SimpleResponse" }
func (*inputRequest) String() string       { return "StreamingInputCallRequest" }
func (*inputResponse) String() string      { return "StreamingInputCallResponse" }
func (*responseParameters) String() string { return "ResponseParameters" }
func (*outputRequest) String() string      { return "StreamingOutputCallRequest" }
func (*outputResponse) String() string     { return "StreamingOutputCallResponse" }

func (*empty) ProtoMessage()              {}
func (*payload) ProtoMessage()            {}
func (*echoStatus) ProtoMessage()         {}
func (*simpleRequest) ProtoMessage()      {}
func (*simpleResponse) ProtoMessage()     {}
func (*inputRequest) ProtoMessage()       {}
func (*inputResponse) ProtoMessage()      {}
func (*responseParameters) ProtoMessage() {}
func (*outputRequest) ProtoMessage()      {}
func (*outputResponse) ProtoMessage()     {}

func zeros(size int) *payload { return &payload{Body: make([]byte, size)} }

func wants(sizes ...int32) *outputRequest {
	asked := &outputRequest{}
	for _, size := range sizes {
		asked.ResponseParameters = append(asked.ResponseParameters, &responseParameters{Size: size})
	}
	return asked
}

const service = "/grpc.testing.TestService/"

var streams = map[string]*grpc.StreamDesc{
	"StreamingOutputCall": {StreamName: "StreamingOutputCall", ServerStreams: true},
	"StreamingInputCall":  {StreamName: "StreamingInputCall", ClientStreams: true},
	"FullDuplexCall":      {StreamName: "FullDuplexCall", ServerStreams: true, ClientStreams: true},
}

func open(ctx context.Context, conn *grpc.ClientConn, method string) grpc.ClientStream {
	stream, err := conn.NewStream(ctx, streams[method], service+method)
	check(err)
	return stream
}
