graph [
  DateObtained "3/03/24"
  Network "Sandbank"
  Note "No coordinates, no multigraph flag, keys in another order, several on a line."
  label "Sandbank"
  SvnVersion 8123
  edge [ target 2 source 1 LinkLabel "OC-12" ]
  edge [ target 2 source 1 LinkLabel "OC-48 (Future)" LinkStatus "Future" ]
  node [ label "West" id 1 ] node [ label "East" id 2 ]
  node [ id 3 label "Lightship" Longitude 7.1 ]
  edge [ source 2 target 3 LinkSpeedRaw 0 ]
]
