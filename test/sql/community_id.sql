-- Community ID, version 1.  Expected values: the specification's own baseline
-- (github.com/corelight/community-id-spec, baseline/, seeds 0 and 1) and the
-- tests of its reference implementation (corelight/pycommunityid).
CREATE TEMP TABLE vector (protocol int2, src inet, dst inet, src_port int, dst_port int, id text, id_seed1 text);
INSERT INTO vector VALUES
	(6, '128.232.110.120', '66.35.250.204', 34855, 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg=', '1:3V71V58M3Ksw/yuFALMcW0LAHvc='),
	(6, '66.35.250.204', '128.232.110.120', 80, 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg=', '1:3V71V58M3Ksw/yuFALMcW0LAHvc='),
	(6, '10.0.0.1', '10.0.0.2', 10, 11569, '1:SXBGMX1lBOwhhoDrZynfROxnhnM=', '1:HmBRGR+fUyXF4t8WEtal7Y0gEAo='),
	(6, '2001:470:e5bf:dead:4957:2174:e82c:4887', '2607:f8b0:400c:c03::1a', 63943, 25, '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=', NULL),
	(6, '2607:f8b0:400c:c03::1a', '2001:470:e5bf:dead:4957:2174:e82c:4887', 25, 63943, '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=', NULL),
	(17, '192.168.1.52', '8.8.8.8', 54585, 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ=', '1:Q9We8WO3piVF8yEQBNJF4uiSVrI='),
	(17, '8.8.8.8', '192.168.1.52', 53, 54585, '1:d/FP5EW3wiY1vCndhwleRRKHowQ=', '1:Q9We8WO3piVF8yEQBNJF4uiSVrI='),
	(132, '192.168.170.8', '192.168.170.56', 7, 80, '1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=', '1:Y1/0jQg6e+I3ZwZZ9LP65DNbTXU='),
	(132, '192.168.170.56', '192.168.170.8', 80, 7, '1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=', '1:Y1/0jQg6e+I3ZwZZ9LP65DNbTXU='),
	(132, '192.168.170.56', '192.168.170.8', 7, 7, '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=', NULL),
	-- other protocols have no ports
	(46, '10.1.24.4', '10.1.12.1', 0, 0, '1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4=', '1:BK3BVW3U2eemuwVQVN3zd/GULno='),
	(46, '10.1.12.1', '10.1.24.4', 9, 5, '1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4=', '1:BK3BVW3U2eemuwVQVN3zd/GULno='),
	(46, '10.1.12.1', '10.1.12.2', 0, 0, '1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=', NULL),
	-- ICMP with an answer: the code does not count
	(1, '192.168.0.89', '192.168.0.1', 8, 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk=', '1:03g6IloqVBdcZlPyX8r0hgoE7kA='),
	(1, '192.168.0.1', '192.168.0.89', 0, 8, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk=', '1:03g6IloqVBdcZlPyX8r0hgoE7kA='),
	(1, '192.168.0.1', '192.168.0.89', 0, 20, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk=', '1:03g6IloqVBdcZlPyX8r0hgoE7kA='),
	-- without: it does, and so does the direction
	(1, '10.0.0.1', '10.0.0.2', 11, 0, '1:YHxtAirCG//0OzkcVAukqKQN9xM=', NULL),
	(1, '192.168.0.89', '192.168.0.1', 20, 0, '1:3o2RFccXzUgjl7zDpqmY7yJi8rI=', '1:lCXHHxavE1Vq3oX9NH5ladQg02o='),
	(1, '192.168.0.89', '192.168.0.1', 20, 1, '1:tz/fHIDUHs19NkixVVoOZywde+I=', '1:Ie3wmFyxiEyikbsbcO03d2nh+PM='),
	(58, 'fe80::200:86ff:fe05:80da', 'fe80::260:97ff:fe07:69ea', 135, 0, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY=', '1:kHa1FhMYIT6Ym2Vm2AOtoOARDzY='),
	(58, 'fe80::260:97ff:fe07:69ea', 'fe80::200:86ff:fe05:80da', 136, 0, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY=', '1:kHa1FhMYIT6Ym2Vm2AOtoOARDzY='),
	(58, 'fe80::260:97ff:fe07:69ea', 'fe80::200:86ff:fe05:80da', 135, 0, '1:zavyT/cezQr1fmImYCwYnMXbgck=', NULL),
	(58, '3ffe:501:1800:2345::2', '3ffe:507:0:1:200:86ff:fe05:80da', 3, 0, '1:2ObVBgIn28oZvibYZhZMBgh7WdQ=', NULL),
	(58, '3ffe:501:410:0:2c0:dfff:fe47:33e', '3ffe:507:0:1:200:86ff:fe05:80da', 1, 4, '1:hLZd0XGWojozrvxqE0dWB1iM6R0=', NULL),
	(58, '3ffe:507:0:1:260:97ff:fe07:69ea', '3ffe:507:0:1:200:86ff:fe05:80da', 3, 0, '1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=', '1:OlOWx9psIbBFi7lOCw/4MhlKR9M='),
	(58, '3ffe:507:0:1:200:86ff:fe05:80da', '3ffe:507:0:1:260:97ff:fe07:69ea', 3, 0, '1:/OGBt9BN1ofenrmSPWYicpij2Vc=', '1:Ij4ZxnC87/MXzhOjvH2vHu7LRmE='),
	(58, '3ffe:507:0:1:200:86ff:fe05:80da', '3ffe:501:0:1001::2', 128, 0, '1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=', NULL),
	(58, 'fe80::200:86ff:fe05:80da', 'ff02::2', 133, 0, '1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=', NULL),
	(58, 'fe80::260:97ff:fe07:69ea', 'ff02::1', 134, 0, '1:pkvHqCL88/tg1k4cPigmZXUtL00=', NULL);

SELECT count(*) AS vectors,
	count(*) FILTER (WHERE anomaly_community_id(src, dst, protocol, src_port, dst_port) = id) AS right,
	count(id_seed1) AS with_seed_1,
	count(*) FILTER (WHERE anomaly_community_id(src, dst, protocol, src_port, dst_port, 1) = id_seed1) AS right_too
FROM vector;
SELECT * FROM vector WHERE anomaly_community_id(src, dst, protocol, src_port, dst_port) <> id;

-- an address's netmask is no part of it
SELECT anomaly_community_id('128.232.110.120/8', '66.35.250.204/16', 6::int2, 34855, 80) = '1:LQU9qZlK+B5F3KDmev6m5PMibrg=' AS same;
SELECT anomaly_community_id(NULL, '66.35.250.204', 6::int2, 34855, 80) IS NULL AS unknown;
-- can stand in an index, in parallel plans too
SELECT provolatile, proisstrict, proparallel FROM pg_proc WHERE proname = 'anomaly_community_id';

-- what is no flow
SELECT anomaly_community_id('10.0.0.1', '::1', 6::int2, 1, 2);
SELECT anomaly_community_id('10.0.0.1', '10.0.0.2', 256::int2, 1, 2);
SELECT anomaly_community_id('10.0.0.1', '10.0.0.2', 6::int2, -1, 2);
SELECT anomaly_community_id('10.0.0.1', '10.0.0.2', 6::int2, 1, 65536);
SELECT anomaly_community_id('10.0.0.1', '10.0.0.2', 6::int2, 1, 2, 65536);
