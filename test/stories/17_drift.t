# Story 17: bytes times three: one row of drift.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
ordinary('netflow', '2026-01-05', 4000);
sql("SELECT anomaly_train('m', 'SELECT duration_s, src_bytes, dst_bytes, packets, dst_port, service FROM netflow.flow_feature')");
my $drift = "SELECT feature, verdict FROM anomaly_drift('m', '%s') WHERE verdict <> 'stable'";
is(sql(sprintf($drift, 'SELECT * FROM netflow.flow_feature')), '', 'the rows it was trained on have not moved');
is(sql(sprintf($drift, 'SELECT duration_s, src_bytes, 3 * dst_bytes AS dst_bytes, packets, dst_port, service FROM netflow.flow_feature')), 'dst_bytes|shifted', 'bytes have, and nothing else');
done_testing();
