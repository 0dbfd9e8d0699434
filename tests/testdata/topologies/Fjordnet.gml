# A made-up network in the style of the Internet Topology Zoo.
Creator "twinbed"
graph [
  directed 0
  multigraph 1
  DateObtained "1/02/24"
  GeoLocation "Nordland"
  Network "Fjordnet"
  Provenance "Invented"
  label "Fjordnet"
  Version "1.0"
  Backbone 1
  Testbed 0
  node [
    id 0
    label "Troms&#248;&#8211;Nord"
    Country "Nordland"
    Longitude 18.95508
    Internal 1
    Latitude 69.6489
    graphics [ x 12.5 y -3.0e1 fill "#c0c0ff" Line [ point [ x 0 y 0 ] point [ x 1 y 1 ] ] ]
  ]
  node [
    id 1
    label "Bod&oslash;"
    Country "Nordland"
    Longitude 14.40501
    Internal 1
    Latitude 67.28267
  ]
  node [
    id 2
    label "       Ålesund"
    Country "Nordland"
    Longitude 6.15492
    Internal 1
    Latitude 62.47225
    type "Large Circle"
  ]
  node [
    id 3
    label "None"
    hyperedge 1
    Internal 1
  ]
  node [
    id 4
    label "None"
    hyperedge 1
    Internal 1
  ]
  node [
    id 5
    label "Rock &amp; Pier &#x201C;7&#x201d;"
    Internal 0
  ]
  node [
    id 6
    Internal 0
  ]
  node [
    id 11
    label "Bod&#xF8;"
    Longitude 14.40501
    Latitude 67.28267
    Internal 1
  ]
  edge [
    source 0
    target 1
    LinkSpeed "10"
    LinkLabel "10 Gbps"
    LinkSpeedUnits "G"
    LinkSpeedRaw 10000000000.0
  ]
  edge [
    source 0
    target 1
    LinkSpeed "155"
    LinkLabel "155 Mb/s & more"
    LinkSpeedUnits "M"
    LinkSpeedRaw 155000000.0
  ]
  edge [
    source 1
    target 2
    id "e2"
  ]
  edge [
    source 2
    target 3
    LinkSpeedRaw 34000000.0
  ]
  edge [
    source 3
    target 4
    id "e4"
  ]
  edge [
    source 4
    target 5
    id "e5"
  ]
  edge [
    source 5
    target 6
    id "e6"
  ]
  edge [
    source 1
    target 11
    LinkSpeedRaw 2.5E9
  ]
  edge [
    source 6
    target 6
    id "e8"
  ]
]
