// What features and measures of threat rules are called.  Names that a model's
// own query made up have no entry and are shown as they are.

const WORDS = {
	// of a flow
	duration_s: 'Duration', bytes: 'Bytes', packets: 'Packets', src_bytes: 'Bytes sent', dst_bytes: 'Bytes answered',
	src_payload: 'Payload sent', dst_payload: 'Payload answered', payload_ratio: 'Payload, sent by answered',
	bytes_ratio: 'Bytes, sent by answered', src_packets: 'Packets sent', dst_packets: 'Packets answered',
	bytes_per_packet: 'Bytes per packet', bytes_per_s: 'Bytes per second', packets_per_s: 'Packets per second',
	retransmission_rate: 'Retransmission rate', service: 'Service', conn_state: 'Connection state', failed: 'Failed',
	bad_fragments: 'Bad fragments', urgent: 'Urgent packets', land: 'Sent to itself', dst_port: 'Target port', protocol: 'Protocol',
	serror_rate: 'Unanswered, share', rerror_rate: 'Refused, share', src_distinct_dsts: 'Destinations in a minute',
	src_distinct_ports: 'Ports in a minute', src_failed: 'Failed in a minute',
	// of a minute, from a source or to a target
	flows: 'Flows', failed_share: 'Failed, share', answer_ratio: 'Bytes, answered by sent', upload: 'Payload sent outside',
	dsts: 'Destinations', dst_ports: 'Target ports', failed_dsts: 'Destinations failed', failed_ports: 'Ports failed',
	top_flows: 'Flows to one target', top_syn_only: 'Half-open to one target', top_logins: 'Login attempts at one target',
	top_udp_packets: 'UDP packets to one target', udp_answer_share: 'UDP answered, share', spike_sd: 'Deviations above usual',
	growth: 'Times the ten minutes before', syn_only: 'Half-open', sources: 'Sources', hour: 'Hour of the day (UTC)', weekday: 'Day of the week (UTC)',
	// of a day, from a source
	tcp_share: 'TCP, share', udp_share: 'UDP, share', icmp_share: 'ICMP, share', other_share: 'Other protocols, share', span_h: 'Hours from first to last',
	hour_share: 'Busiest hour, share', upload_ratio: 'Times its usual upload', days_known: 'Days known',
	// of a day, between two hosts
	payload_per_flow: 'Payload per flow', sent_per_packet: 'Payload per packet sent', span_s: 'Seconds from first to last',
	gap_mean_s: 'Seconds between flows', gap_cv: 'Unevenness of the gaps', rhythm_hosts: 'Hosts in this rhythm', external: 'Outside the network',
	login: 'A login service', mail: 'A mail service', database: 'A database', icmp: 'ICMP', new_peer: 'A new peer', new_service: 'A new service',
};

export const featureWord = (name) => (Object.hasOwn(WORDS, name) ? WORDS[name] : String(name));
